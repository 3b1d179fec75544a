# slow
# known: growing=True
def report(rows):
    text = ""
    for row in rows:
        text += row.line()  # hot
    return text
# slow
# known: growing=True
def read(socket):
    data = b""
    while part := socket.recv(4096):
        data = data + part  # hot
    return data
# exempt: it does not get slower
# known: growing=False
def report(rows):
    text = ""
    for row in rows:
        text += row.line()  # hot
# exempt: a number
# known: growing=True
def total(rows):
    found = 0
    for row in rows:
        found += row.value  # hot
# exempt: what makes the part gets slower
# known: growing=True
# below: render report.py
def report(rows):
    text = ""
    for row in rows:
        text += render(row)  # hot
