# slow
# below: find xml/etree/ElementPath.py, iterfind xml/etree/ElementPath.py
from xml.etree import ElementTree

def prices(path, keys):
    root = ElementTree.parse(path).getroot()
    for key in keys:
        item = root.find(f".//item[@id='{key}']")  # hot
        yield item.get("price")
# slow
# below: find bs4/element.py, find_all bs4/element.py, search bs4/element.py
from bs4 import BeautifulSoup

def prices(page, keys):
    soup = BeautifulSoup(page, "lxml")
    return [soup.find(id=key)["price"] for key in keys]  # hot
# exempt: another document each time
# below: find bs4/element.py, find_all bs4/element.py
from bs4 import BeautifulSoup

def prices(pages):
    for name, page in pages.items():
        soup = BeautifulSoup(page, "lxml")
        yield soup.find(id=name)  # hot
# exempt: the same few fields of each item
# below: find xml/etree/ElementPath.py
from xml.etree import ElementTree

def records(path):
    for item in ElementTree.parse(path).getroot():
        yield {name: item.find(name).text for name in ("a", "b")}  # hot
# exempt: a few fields of each page
# below: find bs4/element.py, _find_all bs4/element.py
from bs4 import BeautifulSoup

FIELDS = ["title", "author", "date"]

def fields(page):
    soup = BeautifulSoup(page, "lxml")
    found = {}
    for field in FIELDS:
        found[field] = soup.find("meta", property=field)  # hot
    return found
# slow: the loop goes through all elements for one key
# known: looped=True
import xml.etree.ElementTree as ET

class Catalogue:
    def __init__(self, text):
        self.root = ET.fromstring(text)

    def product(self, key):
        return next((each for each in self.root.iter("product") if each.get("id") == key), None)  # hot
# exempt: all elements of a kind
# known: looped=True
import xml.etree.ElementTree as ET

class Catalogue:
    def __init__(self, text):
        self.root = ET.fromstring(text)

    def cheap(self, limit):
        return [each for each in self.root.iter("product") if float(each.get("price")) < limit]  # hot
# exempt: each text is a document of its own
# known: looped=True
import xml.etree.ElementTree as ET

def product(text, key):
    root = ET.fromstring(text)
    for each in root.iter("product"):
        if each.get("id") == key:  # hot
            return each
