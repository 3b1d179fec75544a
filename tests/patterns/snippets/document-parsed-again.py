# slow
# below: __init__ bs4/__init__.py, _feed bs4/__init__.py, feed bs4/builder/_htmlparser.py, goahead html/parser.py
from bs4 import BeautifulSoup

def rows(page, keys):
    for key in keys:
        soup = BeautifulSoup(page, "html.parser")  # hot
        yield soup.find(id=key)
# slow: in a function that the loop calls
# below: loads json/__init__.py, decode json/decoder.py
import json
from pathlib import Path

TEXT = Path("table.json").read_text()

def look_up(key):
    return json.loads(TEXT)[key]  # hot

def main(keys):
    return [look_up(key) for key in keys]
# exempt: another text each time
# below: loads json/__init__.py
# known: passes=10
import json

def read(lines):
    return [json.loads(line) for line in lines]  # hot
# exempt: the text changes
# below: parse xml/etree/ElementTree.py
from xml.etree import ElementTree

def steps(path, changes):
    text = open(path).read()
    for change in changes:
        tree = ElementTree.fromstring(text)  # hot
        text = change(tree)
# exempt: each pass changes it
# below: loads json/__init__.py
# known: passes=10
import json

def requests(template, keys):
    for key in keys:
        body = json.loads(template)  # hot
        body["key"] = key
        yield body
# exempt: each item is one of its own
from xml.etree import ElementTree

def rows(text, count):
    found = []
    for number in range(count):
        found.append(ElementTree.fromstring(text))  # hot
    return found
# exempt: a program writes the file anew in each pass
import subprocess
from xml.etree import ElementTree

def runs(count):
    for number in range(count):
        subprocess.run(["simulate", str(number)], check=True)
        tree = ElementTree.parse("result.xml")  # hot
        print(tree.getroot().text)
# exempt: it measures how long the call takes
import time
from xml.etree import ElementTree

def measure(text, repeats):
    begin = time.perf_counter()
    for _ in range(repeats):
        ElementTree.fromstring(text)  # hot
    return time.perf_counter() - begin
# slow: a property parses what the object holds
# below: XML xml/etree/ElementTree.py
# known: looped=True
import xml.etree.ElementTree as ET

class Prices:
    def __init__(self, xml):
        self.xml = xml

    @property
    def root(self):
        return ET.fromstring(self.xml)  # hot

    def price(self, key):
        return self.root.find(f"./item[@key='{key}']").text

def total(order, prices):
    return sum(float(prices.price(key)) for key in order)  # caller
# exempt: the object gets a new text
# below: XML xml/etree/ElementTree.py
# known: looped=True
import xml.etree.ElementTree as ET

class Prices:
    def __init__(self, xml):
        self.xml = xml

    def update(self, xml):
        self.xml = xml

    def root(self):
        return ET.fromstring(self.xml)  # hot
