# slow
# below: compile re/__init__.py, _compile re/__init__.py, compile re/_compiler.py
# known: handler=True
import re

def find(words, text):
    pattern = re.compile("|".join(words))  # hot
    return pattern.findall(text)
# exempt: found in the cache
# below: search re/__init__.py, _compile re/__init__.py
# known: handler=True
import re

def find(text):
    return re.search("a+", text)  # hot
