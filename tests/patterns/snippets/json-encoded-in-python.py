# slow
# below: dump json/__init__.py, _iterencode json/encoder.py, _iterencode_list json/encoder.py
import json

def save(records, path):
    with open(path, "w") as file:
        json.dump(records, file)  # hot
# slow
# below: dumps json/__init__.py, encode json/encoder.py, _iterencode json/encoder.py, _iterencode_dict json/encoder.py
import json

def text(records):
    return json.dumps(records, indent=2)  # hot
# exempt: the C encoder
# below: dumps json/__init__.py, encode json/encoder.py, iterencode json/encoder.py
import json

def text(records):
    return json.dumps(records)  # hot
