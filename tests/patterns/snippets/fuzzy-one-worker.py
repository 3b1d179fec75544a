# slow
# known: cores=1.0
from rapidfuzz import fuzz, process

def scores(left, right):
    return process.cdist(left, right, scorer=fuzz.ratio)  # hot
# exempt: workers are set
# known: cores=1.0
from rapidfuzz import fuzz, process

def scores(left, right):
    return process.cdist(left, right, scorer=fuzz.ratio, workers=-1)  # hot
