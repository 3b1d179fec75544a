# slow
# known: loading=True
# below: <listcomp> data.py
import random

class Interactions:
    def __init__(self, pairs, count):
        self.pairs, self.seen = pairs, {}
        self.items = list(range(count))
        for user, item in pairs:
            self.seen.setdefault(user, []).append(item)

    def __getitem__(self, i):
        user, item = self.pairs[i]
        free = [each for each in self.items if each not in self.seen[user]]  # hot
        return user, item, random.choice(free)
# exempt: a few transforms, which do the work
# known: loading=True
# below: rotate /site-packages/PIL/Image.py
class Photos:
    def __getitem__(self, i):
        photo = self.photos[i]
        for transform in self.transforms:
            photo = transform(photo)  # hot
        return photo
# exempt: the words of the sample itself
# known: loading=True
class Texts:
    def __getitem__(self, i):
        return [self.vocabulary[word] for word in self.texts[i]]  # hot
