# healthy: moves of hanoi
def moves(n, a, b, c):
    if n == 0:
        return []
    return moves(n - 1, a, c, b) + [(a, b)] + moves(n - 1, c, b, a)
# healthy: binary trees
def tree(depth):
    if depth == 0:
        return (None, None)
    return (tree(depth - 1), tree(depth - 1))
# healthy: midpoints
import random
def coast(left, right, depth):
    if depth == 0:
        return [left, right]
    middle = (left + right) / 2 + random.gauss(0, 1)
    return coast(left, middle, depth - 1) + coast(middle, right, depth - 1)
# healthy: backtracking on a board
def count(row, used, size):
    if row == size:
        return 1
    total = 0
    for column in range(size):
        if column in used:
            continue
        total += count(row + 1, used | {column}, size)
    return total
# healthy: adaptive integration
def integrate(f, a, b, tol):
    c = (a + b) / 2
    left, right = rule(f, a, c), rule(f, c, b)
    if abs(left + right) < tol:
        return left + right
    return integrate(f, a, c, tol / 2) + integrate(f, c, b, tol / 2)
# healthy: game tree
def best(depth, board):
    if depth == 0:
        return board.value()
    return max(best(depth - 1, board.left()), best(depth - 1, board.right()))
# healthy: expression trees of a random program
import random
def grow(depth):
    if depth == 0:
        return random.random()
    return [random.choice("+-*"), grow(depth - 1), grow(depth - 1)]
