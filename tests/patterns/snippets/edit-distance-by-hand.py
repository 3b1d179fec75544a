# slow
def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            cost = 0 if x == y else 1
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + cost)  # hot
    return row[-1]
# slow: the letters are compared on another line
def distance(a, b, d):
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if a[i - 1] == b[j - 1]:  # hot
                d[i][j] = d[i - 1][j - 1]
            else:
                d[i][j] = min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + 1)
    return d[-1][-1]
# exempt: the cheapest path through a grid
def path(grid, far):
    for i in range(1, len(grid)):
        for j in range(1, len(grid[0])):
            far[i][j] = grid[i][j] + min(far[i - 1][j], far[i][j - 1], far[i - 1][j - 1])  # hot
    return far[-1][-1]
