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
