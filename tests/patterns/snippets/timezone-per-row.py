# slow
# below: localize pytz/tzinfo.py
import pytz

BERLIN = pytz.timezone("Europe/Berlin")

def local(rows):
    return [BERLIN.localize(row.time) for row in rows]  # hot
# exempt: once
# below: localize pytz/tzinfo.py
import pytz

def local(time):
    return pytz.timezone("Europe/Berlin").localize(time)  # hot
# slow
import pandas as pd

ZONES = {"JFK": "America/New_York"}

def to_utc(stamp, airport):
    return stamp.tz_localize(ZONES[airport], ambiguous=True)  # hot

def all_utc(frame):
    return [to_utc(stamp, airport) for stamp, airport in zip(frame["dep"], frame["airport"])]
# exempt: a column for each frame
# below: tz_localize pandas/core/generic.py
import pandas as pd

def all_utc(frames):
    return [frame.index.to_series().tz_localize("UTC") for frame in frames]  # hot
