# slow: called for each entry of a catalogue
# known: looped=True
def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))  # hot
    norm = sum(x * x for x in a) ** 0.5  # hot
    return dot / norm
# exempt: a total of prices
def total(orders):
    for order in orders:
        yield sum(line.price * line.count for line in order)  # hot
# exempt: once
def norm(a):
    return sum(x * x for x in a) ** 0.5  # hot
# slow: the rows of tables, weighted
def weighted(tables, weights):
    return [[sum(x * y for x, y in zip(row, weights)) for row in table] for table in tables]  # hot
