# slow
# below: ratio fuzzywuzzy/fuzz.py, ratio difflib.py, find_longest_match difflib.py
from fuzzywuzzy import fuzz

def close(names, others):
    for name in names:
        for other in others:
            if fuzz.ratio(name, other) > 90:  # hot
                yield name, other
# slow: one query a call
# below: extractOne thefuzz/process.py, extract_one thefuzz/process.py
from thefuzz import process

def best(names, known):
    return [process.extractOne(name, known) for name in names]  # hot
# slow: compiled, but a call for each pair
from rapidfuzz import fuzz

def close(names, others):
    return [(one, other) for one in names for other in others if fuzz.ratio(one, other) > 90]  # hot
# exempt: one name
# below: ratio fuzzywuzzy/fuzz.py
from fuzzywuzzy import fuzz

def alike(one, other):
    return fuzz.ratio(one, other)  # hot
# exempt: all at once
from rapidfuzz import fuzz, process

def close(blocks):
    for left, right in blocks:
        yield process.cdist(left, right, scorer=fuzz.ratio, score_cutoff=90)  # hot
# exempt: the fields of two records that were paired before
from rapidfuzz import fuzz

def scores(pairs, fields):
    for one, other in pairs:
        yield [fuzz.ratio(one[field], other[field]) for field in fields]  # hot
