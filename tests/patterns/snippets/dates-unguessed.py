# slow
# below: to_datetime pandas/core/tools/datetimes.py, _convert_listlike_datetimes pandas/core/tools/datetimes.py
import pandas as pd

def read(path):
    frame = pd.read_csv(path)
    frame["when"] = pd.to_datetime(frame["when"], format="mixed", dayfirst=True)  # hot
    return frame
# slow: no format, and dateutil is asked
# below: to_datetime pandas/core/tools/datetimes.py, parse dateutil/parser/_parser.py
from pandas import to_datetime

def read(frame):
    return to_datetime(frame["when"])  # hot
# exempt: ISO text
# below: to_datetime pandas/core/tools/datetimes.py
import pandas as pd

def read(frame):
    return pd.to_datetime(frame["when"])  # hot
# exempt: a format is given
# below: to_datetime pandas/core/tools/datetimes.py
import pandas as pd

def read(frame):
    return pd.to_datetime(frame["when"], format="%d.%m.%Y")  # hot
