# slow
# below: read tarfile.py, seek gzip.py, seek _compression.py, read gzip.py
# known: loading=True
import tarfile

class Patches:
    def __init__(self, path):
        self.archive = tarfile.open(path, "r:gz")

    def __getitem__(self, index):
        return self.archive.extractfile(self.members[index]).read()  # hot
# exempt: members in order, nothing is sought
# below: read tarfile.py, read gzip.py
import tarfile

def members(path):
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            yield archive.extractfile(member).read()  # hot
# exempt: one pass that leaves out what it does not want
# below: next tarfile.py, seek gzip.py, seek _compression.py, read gzip.py
import tarfile

def members(path):
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:  # hot
            if member.name.endswith(".json"):
                yield archive.extractfile(member).read()
# exempt: in order, past what it does not want
# below: read tarfile.py, seek gzip.py, seek _compression.py, read gzip.py
import tarfile

def members(path):
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            if member.name.endswith(".json"):
                yield archive.extractfile(member).read()  # hot
