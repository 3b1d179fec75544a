# slow
def join(orders, customers):
    for order in orders:
        for customer in customers:
            if customer["id"] == order["customer"]:  # hot
                order["name"] = customer["name"]
# slow: the line that the interpreter shows
def join(orders, customers):
    pairs = []
    for order in orders:
        for customer in customers:
            if order.customer == customer.id and customer.active:
                pairs.append((order, customer))  # hot
    return pairs
# slow
def totals(users, orders):
    return {user.id: sum(order.amount for order in orders if order.user == user.id) for user in users}  # hot
# slow: in a function that a loop calls
CUSTOMERS = load("customers")

def customer_of(order):
    return next((each for each in CUSTOMERS if each["id"] == order["customer"]), None)  # hot

def names(orders):
    return [customer_of(order)["name"] for order in orders]
# slow: for each request
# known: handler=True
ROWS = load("rows")

def show(key):
    return [row for row in ROWS if row["id"] == key]  # hot
# exempt: the inner list belongs to the outer item
def lines(orders, product):
    for order in orders:
        for line in order.lines:
            if line.product == order.product:  # hot
                yield line
# exempt: all pairs are worked on
def energy(atoms):
    total = 0.0
    for a in atoms:
        for b in atoms:
            if a.kind == b.kind:  # hot
                total += a.q * b.q
            else:
                total -= a.q * b.q
    return total
# exempt: a table of letters
def common(a, b, table):
    for i in range(len(a)):
        for j in range(len(b)):
            if a[i] == b[j]:  # hot
                table[i][j] = table[i - 1][j - 1] + 1
# exempt: a few kinds
KINDS = [("a", 1), ("b", 2)]

def kinds(rows):
    return [[name for name, code in KINDS if code == row.code] for row in rows]  # hot
# exempt: the list changes with each pass
def settle(orders, stock):
    for order in orders:
        for part in stock:
            if part.kind == order.kind:  # hot
                stock.remove(part)
# exempt: one search
def find(rows, key):
    return [row for row in rows if row["id"] == key]  # hot
# exempt: what is done with each pair takes the time
def forces(atoms):
    total = 0.0
    for a in atoms:
        for b in atoms:
            if a.kind == b.kind:
                total += a.q * b.q / ((a.x - b.x) ** 2 + (a.y - b.y) ** 2 + 1e-9) ** 1.5  # hot
    return total
# exempt: who is free changes with each pass
def assign(jobs, workers):
    for job in jobs:
        for worker in workers:
            if worker.kind == job.kind and worker.state == "free":  # hot
                worker.state = "busy"
# slow: the key of a dict by get
def join(orders, customers):
    for order in orders:
        found = [each for each in customers if each.get("id") == order["customer"]]  # hot
        yield order, found
