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
