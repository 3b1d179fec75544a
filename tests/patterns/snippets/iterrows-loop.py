# slow
# below: iterrows pandas/core/frame.py, __init__ pandas/core/series.py
def total(frame):
    result = 0
    for _, row in frame.iterrows():  # hot
        result += row["price"]
    return result
# slow: a cell of the row
# below: __getitem__ pandas/core/series.py
def total(frame):
    result = 0
    for _, row in frame.iterrows():
        result += row["price"]  # hot
    return result
# exempt: the body takes the time
# below: iterrows pandas/core/frame.py
# known: body=0.97
def fetch(frame, session):
    for _, row in frame.iterrows():  # hot
        session.get(row["url"])
