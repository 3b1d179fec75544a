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
