# slow
import itertools

def similar(sets, least):
    found = []
    for a, b in itertools.combinations(sets, 2):
        score = len(a & b) / len(a | b)  # hot
        if score > least:
            found.append((a, b))
    return found
# slow: two loops, in a comprehension
def overlaps(users):
    return [
        (i, j, len(users[i].intersection(users[j])))  # hot
        for i in range(len(users))
        for j in range(i + 1, len(users))
    ]
# exempt: one set against a few words
def score(texts, words):
    for text in texts:
        yield len(set(text.split()) & words)  # hot
# exempt: masks of numbers
def flags(left, right):
    for a in left:
        for b in right:
            yield a & b  # hot
