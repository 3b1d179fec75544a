# slow
from dataclasses import asdict

def table(rows):
    return [asdict(row) for row in rows]  # hot
# exempt: once
from dataclasses import asdict

def save(settings, file):
    file.write(str(asdict(settings)))  # hot
