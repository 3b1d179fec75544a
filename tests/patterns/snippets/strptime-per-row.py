# slow
# below: _strptime_datetime _strptime.py, _strptime _strptime.py
from datetime import datetime

def stamps(lines):
    return [datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S") for line in lines]  # hot
# exempt: once
# below: _strptime_datetime _strptime.py, _strptime _strptime.py
from datetime import datetime

def start(text):
    return datetime.strptime(text, "%Y-%m-%d")  # hot
# slow: pandas on one value at a time
# below: to_datetime pandas/core/tools/datetimes.py
import pandas as pd

def read(frame):
    return frame["when"].apply(lambda text: pd.to_datetime(text))  # hot
# exempt: whole columns
# below: to_datetime pandas/core/tools/datetimes.py
import pandas as pd

def read(frame, names):
    for name in names:
        frame[name] = pd.to_datetime(frame[name])  # hot
# slow: each value of a column
# below: to_datetime pandas/core/tools/datetimes.py
import pandas as pd

def read(path):
    frame = pd.read_csv(path)
    return [pd.to_datetime(text) for text in frame["when"]]  # hot
# slow: a field of each record
# below: to_datetime /site-packages/pandas/core/tools/datetimes.py
import pandas as pd

def parse(rows):
    for row in rows:
        row["when"] = pd.to_datetime(row["when"])  # hot
    return rows
# exempt: the columns of several tables
# below: to_datetime /site-packages/pandas/core/tools/datetimes.py
import pandas as pd

def parse(parts):
    for part in parts:
        part["when"] = pd.to_datetime(part["when"])  # hot
        part.sort_values("when")
