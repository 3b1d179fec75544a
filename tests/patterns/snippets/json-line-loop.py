# slow
# below: loads json/__init__.py, decode json/decoder.py, raw_decode json/decoder.py
import json

def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]  # hot
# exempt: one document
# below: loads json/__init__.py, decode json/decoder.py
import json

def read(text):
    return json.loads(text)  # hot
