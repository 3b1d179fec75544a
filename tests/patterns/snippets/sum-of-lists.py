# slow
def flat(pages):
    return sum(pages, [])  # hot
# slow
import functools
import operator

def flat(pages):
    return functools.reduce(operator.add, pages, [])  # hot
# exempt: numbers
def total(values):
    return sum(values, 0)  # hot
# exempt: a product
import functools

def product(values):
    return functools.reduce(lambda a, b: a * b, values, 1)  # hot
