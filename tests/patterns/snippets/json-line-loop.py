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
# slow
# below: loads json/__init__.py, decode json/decoder.py, raw_decode json/decoder.py
import json

def paid(path):
    total = 0
    with open(path) as file:
        for line in file:
            order = json.loads(line)  # hot
            if order["status"] == "paid":
                total += order["amount"]
            elif order["status"] == "returned":
                total -= order["amount"]
    return total
# exempt: events of several kinds, each with its own fields
# below: loads json/__init__.py, decode json/decoder.py, raw_decode json/decoder.py
import json

def count(path, pages, spent):
    with open(path) as file:
        for line in file:
            event = json.loads(line)  # hot
            if event["kind"] == "view":
                pages[event["page"]] += 1
            elif event["kind"] == "order":
                spent[event["user"]] += event["price"]
