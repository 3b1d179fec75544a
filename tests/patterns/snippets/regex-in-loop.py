# slow
# below: compile re/__init__.py, _compile re/__init__.py, compile re/_compiler.py
import re

def find(words, text):
    for word in words:
        if re.search(word, text):  # hot
            yield word
# exempt: from the cache
# below: search re/__init__.py, _compile re/__init__.py
import re

def find(lines):
    for line in lines:
        if re.search("a+", line):  # hot
            yield line
