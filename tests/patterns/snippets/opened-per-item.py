# slow
# below: __init__ zipfile.py, _RealGetContents zipfile.py
import zipfile

class Images:
    def __getitem__(self, index):
        with zipfile.ZipFile(self.path) as archive:  # hot
            return archive.read(self.names[index])
# exempt: once in a worker
# below: __init__ zipfile.py
import zipfile

class Images:
    def __getitem__(self, index):
        if self.archive is None:
            self.archive = zipfile.ZipFile(self.path)  # hot
        return self.archive.read(self.names[index])
# exempt: another file each time
# below: __init__ zipfile.py
import zipfile

def read(paths):
    for path in paths:
        with zipfile.ZipFile(path) as archive:  # hot
            yield archive.read("x")
# slow: a file for each row
def save(rows, path):
    for row in rows:
        with open(path, "a") as file:  # hot
            file.write(row)
# exempt: another file each
def save(parts):
    for part in parts:
        with open(part.path, "w") as file:  # hot
            file.write(part.text)
# slow: a partial holds the path
# below: __init__ zipfile.py, _RealGetContents zipfile.py
# known: looped=True
import zipfile
from functools import partial

def read_member(path, name):
    with zipfile.ZipFile(path) as archive:  # hot
        return archive.read(name)

def words(path, names):
    return sum(len(data.split()) for data in map(partial(read_member, path), names))
# exempt: a partial for each path
# below: __init__ zipfile.py, _RealGetContents zipfile.py
# known: looped=True
import zipfile
from functools import partial

def read_member(path, name):
    with zipfile.ZipFile(path) as archive:  # hot
        return archive.read(name)

def readers(paths):
    return [partial(read_member, path) for path in paths]
# exempt: the partial holds the member's name
# below: __init__ zipfile.py, _RealGetContents zipfile.py
# known: looped=True
import zipfile
from functools import partial

def read_member(name, path):
    with zipfile.ZipFile(path) as archive:  # hot
        return archive.read(name)

def readmes(paths):
    return list(map(partial(read_member, "README"), paths))
# slow: the program's own line sets the path
# below: __init__ zipfile.py, _RealGetContents zipfile.py
# known: looped=True
import zipfile

def read(path, name):
    with zipfile.ZipFile(path) as archive:  # hot
        return archive.read(name)

if __name__ == "__main__":
    path = "texts.zip"
    print(sum(len(read(path, f"{number}.txt")) for number in range(1000)))
