# slow
def new(items, names):
    seen = sorted(names)
    for item in items:
        if item not in seen:  # hot
            yield item
# exempt: a set
def new(items, names):
    seen = set(names)
    for item in items:
        if item not in seen:  # hot
            yield item
# exempt: a short list
def images(paths):
    kinds = [".png", ".jpg"]
    for path in paths:
        if path.suffix in kinds:  # hot
            yield path
# slow: a list of stop words
from nltk.corpus import stopwords

STOP = stopwords.words("english")

def clean(words):
    return [word for word in words if word not in STOP]  # hot
# slow
# known: looped=True
class Cleaner:
    def __init__(self, path):
        self.blocked = [line.strip() for line in open(path)]

    def keep(self, event):
        if event["visitor"] in self.blocked:  # hot
            return False
        return True
# exempt: a set
# known: looped=True
class Cleaner:
    def __init__(self, path):
        self.blocked = {line.strip() for line in open(path)}

    def keep(self, event):
        if event["visitor"] in self.blocked:  # hot
            return False
        return True
# slow: positions
def encode(tokens, text):
    vocabulary = text.split()
    out = []
    for token in tokens:
        out.append(vocabulary.index(token))  # hot
    return out
# exempt: the position of a character
def cut(lines, mark):
    for line in lines:
        yield line[line.index(mark):]  # hot
