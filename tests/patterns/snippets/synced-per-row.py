# slow
import os

def write(rows, path):
    with open(path, "a") as file:
        for row in rows:
            file.write(row)
            file.flush()
            os.fsync(file.fileno())  # hot
# exempt: every thousand rows
import os

def write(rows, path):
    with open(path, "a") as file:
        for number, row in enumerate(rows):
            file.write(row)
            if number % 1000 == 0:
                os.fsync(file.fileno())  # hot
# exempt: once
import os

def write(text, path):
    with open(path, "a") as file:
        file.write(text)
        os.fsync(file.fileno())  # hot
