# slow
# below: dumps json/__init__.py, encode json/encoder.py, _iterencode json/encoder.py
# known: handler=True
import json
from flask import Response

def rows(limit):
    page = STORE.take(limit)
    return Response(json.dumps(page), mimetype="application/json")  # hot
# slow
# below: jsonify flask/json/__init__.py, response flask/json/provider.py, dumps json/__init__.py
# known: handler=True
from flask import jsonify

def rows(limit):
    return jsonify(rows=STORE.take(limit))  # hot
# exempt: a small one
# known: handler=True seconds_each=0.00001
import json

def status():
    return json.dumps({"ok": True})  # hot
# exempt: orjson
# known: handler=True
import orjson

def rows(limit):
    return orjson.dumps(STORE.take(limit))  # hot
