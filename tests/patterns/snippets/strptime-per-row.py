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
