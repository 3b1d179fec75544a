# slow
# below: ways user.py
def ways(n):
    if n < 2:
        return 1
    return ways(n - 1) + ways(n - 2)  # hot
# slow
# below: best user.py
def best(i, room, weights, values):
    if i == 0 or room == 0:
        return 0
    if weights[i - 1] > room:
        return best(i - 1, room, weights, values)
    return max(best(i - 1, room, weights, values), values[i - 1] + best(i - 1, room - weights[i - 1], weights, values))  # hot
# exempt: cached
# below: ways user.py
import functools

@functools.cache
def ways(n):
    return 1 if n < 2 else ways(n - 1) + ways(n - 2)  # hot
# exempt: it asks a memo
# below: ways user.py
def ways(n, memo):
    if n in memo:
        return memo[n]
    return 1 if n < 2 else ways(n - 1, memo) + ways(n - 2, memo)  # hot
# exempt: a tree
# below: depth user.py
def depth(node):
    if not node:
        return 0
    return 1 + max(depth(node.left), depth(node.right))  # hot
# exempt: halves
# below: sort user.py
def sort(items):
    if len(items) < 2:
        return items
    middle = len(items) // 2
    return merge(sort(items[:middle]), sort(items[middle:]))  # hot
# exempt: it plays and takes back
# below: score user.py
def score(board, depth):
    if depth == 0:
        return board.value()
    board.push()
    value = max(score(board, depth - 1), -score(board, depth - 2))  # hot
    board.pop()
    return value
# exempt: between two bounds
# below: total user.py
def total(low, high):
    if high - low < 2:
        return low
    middle = (low + high) // 2
    return total(low, middle) + total(middle, high)  # hot
# exempt: chance
# below: grow user.py
import random

def grow(depth):
    if depth == 0 or random.random() < 0.1:
        return 1
    return grow(depth - 1) + grow(depth - 1)  # hot
# exempt: it makes the nodes of a tree
# below: tree user.py
def tree(depth):
    if depth == 0:
        return [None, None]
    return [tree(depth - 1), tree(depth - 1)]  # hot
# exempt: the moves are what is wanted
# below: hanoi user.py
def hanoi(n, a, b, c):
    if n == 0:
        return []
    return hanoi(n - 1, a, c, b) + [(a, c)] + hanoi(n - 1, b, a, c)  # hot
# slow: it asks what never changes
# below: paths user.py
class Grid:
    def paths(self, x, y):
        if x >= self.w or y >= self.h or (x, y) in self.walls:
            return 0
        return self.paths(x + 1, y) + self.paths(x, y + 1)  # hot
# exempt: the memo is an attribute
# below: paths user.py
class Grid:
    def paths(self, x, y):
        if (x, y) in self.known:
            return self.known[x, y]
        return self.paths(x + 1, y) + self.paths(x, y + 1)  # hot
