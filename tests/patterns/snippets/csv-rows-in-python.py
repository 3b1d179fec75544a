# slow
# below: __next__ csv.py
import csv

def read(path):
    points = []
    with open(path) as file:
        for row in csv.DictReader(file):  # hot
            points.append((float(row["x"]), float(row["y"])))
    return points
# slow
import csv

def read(path):
    points = []
    for row in csv.reader(open(path)):
        x = float(row[0])  # hot
        points.append(x)
    return points
# exempt: no numbers
# below: __next__ csv.py
import csv

def read(path):
    with open(path) as file:
        for row in csv.DictReader(file):  # hot
            send(row)
# exempt: few rows
# known: passes=50
import csv

def read(path):
    for row in csv.reader(open(path)):
        x = float(row[0])  # hot
