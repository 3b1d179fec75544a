# slow
# below: __init__ bs4/__init__.py, _feed bs4/__init__.py, feed bs4/builder/_htmlparser.py, goahead html/parser.py
from bs4 import BeautifulSoup

def titles(pages):
    for page in pages:
        soup = BeautifulSoup(page, "html.parser")  # hot
        yield soup.find("h1").text
# exempt: in C
# below: __init__ bs4/__init__.py, _feed bs4/__init__.py, feed bs4/builder/_lxml.py
from bs4 import BeautifulSoup

def titles(pages):
    return [BeautifulSoup(page, "lxml").find("h1").text for page in pages]  # hot
