# slow
def product(a, b, n):
    c = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i][j] += a[i][k] * b[k][j]  # hot
    return c
# slow
def product(a, b, n):
    return [[sum(a[i][k] * b[k][j] for k in range(n)) for j in range(n)] for i in range(n)]  # hot
# exempt: number by number
def scale(a, b, n):
    for i in range(n):
        for j in range(n):
            a[i][j] = a[i][j] * b[i][j]  # hot
# exempt: a sum over one index alone
def mix(a, b, rounds, n):
    for _ in range(rounds):
        for i in range(n):
            for j in range(n):
                a[i][j] = a[i][j] * b[i][i]  # hot
# exempt: three by three
def turn(a, b):
    c = [[0.0] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(3):
            for k in range(3):
                c[i][j] += a[i][k] * b[k][j]  # hot
    return c
# exempt: whole numbers beyond 64 bits
def product(a, b, n, prime):
    return [[sum(a[i][k] * b[k][j] for k in range(n)) % prime for j in range(n)] for i in range(n)]  # hot
# slow: rows and columns are zipped
def product(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]  # hot
# slow: in a class, seen from above
# below: <listcomp> user.py, <genexpr> user.py
class Matrix:
    def __matmul__(self, other):
        columns = list(zip(*other.rows))
        return Matrix([[sum(x * y for x, y in zip(row, column)) for column in columns] for row in self.rows])  # hot
# exempt: modulo a prime
def product(a, b, p):
    columns = list(zip(*b))
    return [[sum(x * y % p for x, y in zip(row, column)) for column in columns] for row in a]  # hot
