# slow
import re

TABLE = {rf"\b{short}\b": full for short, full in read_table("states.csv")}

def clean(text):
    for pattern, new in TABLE.items():
        text = re.sub(pattern, new, text)  # hot
    return text

def main(texts):
    return [clean(text) for text in texts]
# slow: compiled
import re

PATTERNS = [re.compile(word) for word in open("words.txt").read().split()]

def tag(texts):
    for text in texts:
        for pattern in PATTERNS:
            if pattern.search(text):  # hot
                yield text
                break
# exempt: one text, once
import re

def clean(text, table):
    for pattern, new in table.items():
        text = re.sub(pattern, new, text)  # hot
    return text
# exempt: one expression for many texts
import re

WORD = re.compile("[a-z]+")

def words(texts):
    for text in texts:
        for line in text.splitlines():
            yield WORD.findall(line)  # hot
# exempt: a few rules
import re

RULES = [("error", re.compile("ERROR.*")), ("slow", re.compile("took [0-9]+ s")), ("login", re.compile("user \\w+"))]

def tag(lines):
    for line in lines:
        for name, pattern in RULES:
            if pattern.search(line):  # hot
                yield name
