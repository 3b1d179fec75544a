# slow
# below: parse xml/dom/minidom.py, parse xml/dom/expatbuilder.py, start_element_handler xml/dom/expatbuilder.py
from xml.dom import minidom

def read(path):
    return minidom.parse(path).getElementsByTagName("item")  # hot
# exempt: in C
# below: parse xml/etree/ElementTree.py
from xml.etree import ElementTree

def read(path):
    return ElementTree.parse(path).getroot()  # hot
