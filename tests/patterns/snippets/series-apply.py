# slow
# below: apply pandas/core/series.py, apply pandas/core/apply.py, apply_standard pandas/core/apply.py, map_array pandas/core/algorithms.py, <lambda> user.py
def bands(frame):
    frame["band"] = frame["price"].apply(lambda price: "high" if price > 100 else "low")  # hot
# slow
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, band user.py
NAMES = {1: "a", 2: "b"}

def band(code):
    if code < 0:
        return "none"
    return NAMES.get(code, "other")

def bands(frame):
    frame["band"] = frame["code"].map(band)  # hot
# exempt: a function of a library's
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, <lambda> user.py
def scores(frame, model):
    frame["score"] = frame["text"].map(lambda text: model.predict(text))  # hot
# exempt: a dict
# below: map pandas/core/series.py, _map_values pandas/core/base.py
def names(frame, table):
    frame["name"] = frame["code"].map(table)  # hot
# exempt: text has no faster form for a column of objects
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, <lambda> user.py
def names(frame):
    frame["name"] = frame["name"].map(lambda name: name.strip().lower())  # hot
# exempt: formatted text
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, <lambda> user.py
def prices(frame):
    frame["label"] = frame["price"].map(lambda price: f"{price:,.2f} EUR")  # hot
# exempt: part of a text
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, <lambda> user.py
def initials(frame):
    frame["initial"] = frame["name"].map(lambda name: name[0] if "x" in name else "")  # hot
# exempt: a parser
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, parse user.py
def parse(text):
    node = {}
    for part in text.split(";"):
        key, _, value = part.partition("=")
        node[key] = float(value)
    return node

def parsed(frame):
    frame["parsed"] = frame["text"].map(parse)  # hot
