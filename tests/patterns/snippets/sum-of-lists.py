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
# slow: of what a method builds
# below: leaves user.py
# known: python=3.11
import operator
from functools import reduce

class Outline:
    def leaves(self, node):
        return [child.name for child in node.children]

    def names(self):
        return reduce(operator.add, map(self.leaves, self.chapters), [])  # hot
# exempt: the time is of what makes each list
# below: leaves user.py, fetch store.py
import operator
from functools import reduce

class Outline:
    def leaves(self, node):
        return [child.name for child in self.store.fetch(node)]

    def names(self):
        return reduce(operator.add, map(self.leaves, self.chapters), [])  # hot
# exempt: it computes before it builds the list
# below: leaves user.py
import operator
from functools import reduce

def leaves(node):
    return [name for name in sorted(node.names)]

def names(chapters):
    return reduce(operator.add, map(leaves, chapters), [])  # hot
# exempt: the comprehension has no frame of its own
# below: leaves user.py
# known: python=3.13
import operator
from functools import reduce

def leaves(node):
    return [name for name in node.names]

def names(chapters):
    return reduce(operator.add, map(leaves, chapters), [])  # hot
