# slow
# below: extractfile tarfile.py, getmember tarfile.py, _load tarfile.py, next tarfile.py
# known: looped=True
import tarfile

PATH = "images.tar"

def read(name):
    with tarfile.open(PATH) as archive:  # cause
        return archive.extractfile(name).read()  # hot

def means(names):
    return [sum(read(name)) for name in names]
# exempt: opened once
# below: extractfile tarfile.py, getmember tarfile.py, _load tarfile.py, next tarfile.py
import tarfile

def sizes(path, names):
    with tarfile.open(path) as archive:
        return [len(archive.extractfile(name).read()) for name in names]  # hot
# exempt: another archive in each pass
# below: getnames tarfile.py, _load tarfile.py, next tarfile.py
import tarfile

def names(paths):
    for path in paths:
        with tarfile.open(path) as archive:
            yield archive.getnames()  # hot
