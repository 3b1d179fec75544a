# slow
import re

WELL_FORMED = re.compile(r'^(?:\s*[\w.]+=(?:"[^"]*"|\S+)\s*)+$')

def parse(lines):
    found = []
    for line in lines:
        if WELL_FORMED.match(line):  # hot
            found.append(line)
    return found
# slow
import re

def addresses(texts):
    return [re.fullmatch(r"(\w+\.?)+@\w+", text) for text in texts]  # hot
# exempt: one repetition after the other
import re

PAIR = re.compile(r'([\w.]+)=(\S+)\s*$')

def parse(lines):
    found = []
    for line in lines:
        found.append(PAIR.match(line))  # hot
    return found
# exempt: the expression is not in the file
import re

def parse(lines, expression):
    return [expression.match(line) for line in lines]  # hot
# exempt: a separator divides the text in one way only
import re

ROW = re.compile(r"^(?:\w+,)*\w+$")

def rows(lines):
    return [line for line in lines if ROW.match(line)]  # hot
# exempt: key=value pairs with a mandatory space between
import re

PAIRS = re.compile(r"^(?:[a-z]+=[^\s;]+;\s+)+$")

def rows(lines):
    return [line for line in lines if PAIRS.match(line)]  # hot
# exempt: nothing behind the repetition can fail
import re

WORDS = re.compile(r"(?:\w+\s?)*")

def heads(lines):
    return [WORDS.match(line).group() for line in lines]  # hot
# slow: a word that may end without its space
import re

WORDS = re.compile(r"^(?:\w+\s?)*$")

def clean(lines):
    return [line for line in lines if WORDS.match(line)]  # hot
