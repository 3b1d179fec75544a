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
# slow
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, price user.py
import pandas as pd

class Tariff:
    BANDS = ((100, 0.30), (300, 0.24), (900, 0.19))

    def price(self, kwh):
        cost, low = 0.0, 0
        for top, rate in self.BANDS:
            if kwh <= low:
                break
            cost += (min(kwh, top) - low) * rate
            low = top
        return cost

    def bill(self, usage):
        return usage.assign(cost=usage["kwh"].map(self.price))  # hot
# exempt: each value needs the ones before it
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, level user.py
import pandas as pd

class Tank:
    def level(self, inflow):
        self.held = max(0.0, self.held * 0.9 + inflow)
        return self.held

    def levels(self, frame):
        return frame["inflow"].map(self.level)  # hot
# exempt: as many passes as the value says
# below: map pandas/core/series.py, _map_values pandas/core/base.py, map_array pandas/core/algorithms.py, collatz user.py
import pandas as pd

def collatz(number):
    steps = 0
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        steps += 1
    return steps

def lengths(frame):
    return frame["n"].map(collatz)  # hot
