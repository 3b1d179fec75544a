# slow
# below: read1 gzip.py, readinto _compression.py, read gzip.py
import gzip

def read(path):
    with gzip.open(path, "rt") as file:
        for line in file:  # hot
            yield line.split("\t")
# exempt: no compression
def read(path):
    with open(path) as file:
        for line in file:  # hot
            yield line.split("\t")
# exempt: a few lines
# below: readline gzip.py
# known: passes=20
import gzip

def read(path):
    with gzip.open(path, "rt") as file:
        for line in file:  # hot
            yield line
# exempt: the lines are pages, which no columnar reader parses
# below: read1 gzip.py, readinto _compression.py, read gzip.py
import gzip
from lxml import html

def read(path):
    with gzip.open(path, "rt") as pages:
        for line in pages:  # hot
            yield html.document_fromstring(line).findtext(".//title")
# exempt: lines that cannot be read are counted and left out
# below: read1 gzip.py, readinto _compression.py, read gzip.py
import gzip
import json

def read(path):
    bad = 0
    with gzip.open(path, "rb") as file:
        for line in file:  # hot
            try:
                record = json.loads(line)
            except ValueError:
                bad += 1
                continue
            yield record
