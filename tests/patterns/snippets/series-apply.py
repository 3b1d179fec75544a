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
# exempt: few values
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, <lambda> user.py
# known: elements=200
def lengths(frame):
    frame["length"] = frame["name"].map(lambda name: len(name))  # hot
# exempt: a dict
# below: map pandas/core/series.py, _map_values pandas/core/base.py
def names(frame, table):
    frame["name"] = frame["code"].map(table)  # hot
