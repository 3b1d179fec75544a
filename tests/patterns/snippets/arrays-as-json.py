# slow
# known: handler=True
import torch

def embed(item):
    vectors = encode(item.texts)
    rows = vectors.tolist()  # hot
    return {"vectors": rows}
# slow: a frame
# below: to_dict pandas/core/frame.py, to_dict pandas/core/methods/to_dict.py
# known: handler=True
import pandas as pd

def table():
    frame = pd.read_parquet("table.parquet")
    return frame.to_dict(orient="records")  # hot
# exempt: not for a response
import torch

def embed(item):
    return encode(item.texts).tolist()  # hot
# slow: in what is encoded
# below: dumps flask/json/__init__.py, dumps json/__init__.py, iterencode json/encoder.py
# known: handler=True
import numpy as np
from flask import Response, json

def embed(start, count):
    vectors = TABLE[start : start + count]
    return Response(json.dumps({"shape": vectors.shape, "values": vectors.tolist()}))  # hot
# exempt: in no handler
# below: dumps json/__init__.py, iterencode json/encoder.py
import json
import numpy as np

def store(vectors, file):
    file.write(json.dumps({"values": vectors.tolist()}))  # hot
