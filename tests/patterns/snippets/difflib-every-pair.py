# slow
# below: ratio difflib.py, find_longest_match difflib.py
from difflib import SequenceMatcher

def close(names, other):
    return [name for name in names if SequenceMatcher(None, name, other).ratio() > 0.9]  # hot
# exempt: one pair
# below: ratio difflib.py, find_longest_match difflib.py
from difflib import SequenceMatcher

def alike(one, other):
    return SequenceMatcher(None, one, other).ratio()  # hot
