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
# slow: of an attribute, which is never grown in place
# known: looped=True
class Report:
    def __init__(self, title):
        self.text = f"<h1>{title}</h1>"

    def row(self, cells):
        for cell in cells:
            self.text += f"<td>{cell}</td>"  # hot
# exempt: a short text for each row
# known: looped=True
class Report:
    def row(self, cells):
        self.text = ""
        for cell in cells:
            self.text += f"<td>{cell}</td>"  # hot
        self.file.write(self.text)
# exempt: the part is costly
# known: looped=True
class Report:
    def __init__(self):
        self.text = ""

    def row(self, cells):
        self.text += self.template.render(cells)  # hot
# exempt: an object for each item
# known: looped=True
class Report:
    def __init__(self):
        self.text = ""

    def row(self, cells):
        self.text = f"{cells}"
        self.text += f"<td>{cells[0]}</td>"  # hot
# slow: of an attribute, written out
# known: looped=True
class Report:
    def __init__(self):
        self.text = ""

    def row(self, cell):
        self.text = self.text + "<td>" + cell + "</td>"  # hot
