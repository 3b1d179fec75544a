# slow
# below: __init__ pandas/core/frame.py
# known: handler=True
import pandas as pd

def score(item):
    frame = pd.DataFrame([item.model_dump()])  # hot
    return model.predict(frame)[0]
# exempt: many rows
# below: __init__ pandas/core/frame.py
# known: handler=True
import pandas as pd

def score(items):
    frame = pd.DataFrame([item.model_dump() for item in items])  # hot
    return model.predict(frame)
