# healthy: reducer with fixed fields
import functools
def apply(state, event):
    return {**state, "balance": state["balance"] + event.amount, "seen": state["seen"] + 1}  # hot
def replay(events):
    return functools.reduce(apply, events, {"balance": 0, "seen": 0})
# healthy: fixed key
def run(events):
    state = {"step": 0, "best": None}
    for number, event in enumerate(events):
        state = {**state, "step": number}
        yield state
# healthy: every so often
class Meter:
    def __init__(self):
        self.losses = []
    def add(self, loss, step):
        self.losses.append(loss)
        if step % 1000 == 0:
            print(self.mean())
    def mean(self):
        return sum(self.losses) / len(self.losses)
def main(meter, steps):
    for step in steps:
        meter.add(step.loss, step.number)
# healthy: far from all before
class Sampler:
    def __init__(self, radius):
        self.points = []
        self.radius = radius
    def offer(self, p):
        if all(abs(p - q) > self.radius for q in self.points):
            self.points.append(p)
def main(candidates):
    sampler = Sampler(0.1)
    for p in candidates:
        sampler.offer(p)
# healthy: nearest of what was taken
class Leaders:
    def __init__(self, limit):
        self.leaders = []
        self.limit = limit
    def assign(self, x):
        far = [x.distance(each) for each in self.leaders]
        if not far or min(far) > self.limit:
            self.leaders.append(x)
def main(items):
    leaders = Leaders(3)
    for x in items:
        leaders.assign(x)
# healthy: flushed buffer is sorted
class Writer:
    def __init__(self, file):
        self.buffer = []
        self.file = file
    def write(self, row):
        self.buffer.append(row)
        if len(self.buffer) >= 10000:
            self.buffer.sort()
            self.file.writelines(self.buffer)
            self.buffer.clear()
def main(writer, rows):
    for row in rows:
        writer.write(row)
# healthy: buckets by length
def batches(samples, size):
    pool = []
    for sample in samples:
        pool.append(sample)
        if len(pool) == size * 100:
            pool.sort(key=len)
            for start in range(0, len(pool), size):
                yield pool[start:start + size]
            pool = []
# healthy: ten best
class Best:
    def __init__(self):
        self.best = []
    def offer(self, score, item):
        self.best.append((score, item))
        self.best.sort(reverse=True)
        del self.best[10:]
def main(best, items):
    for item in items:
        best.offer(item.score, item)
# healthy: parser's buffer
class Lines:
    def __init__(self):
        self.buffer = b""
    def feed(self, data):
        self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        return lines
def main(lines, socket):
    while data := socket.recv(4096):
        lines.feed(data)
# healthy: orders that leave the book
def match(orders, book):
    for order in orders:
        found = next((each for each in book if each.id == order.target), None)
        if found is not None:
            drop(book, found)
def drop(book, found):
    book.remove(found)
# healthy: running total of a text in chat
class Chat:
    def __init__(self):
        self.messages = []
    def say(self, text):
        self.messages.append(text)
        return self.client.ask([m for m in self.messages])
# healthy: graph search with list of seen, short
def colour(graph):
    colours = {}
    for node in graph:
        used = [colours[each] for each in node.near if each in colours]
        colours[node] = next(c for c in range(len(node.near) + 1) if c not in used)
    return colours
# healthy: path read back
def path(parents, node):
    found = []
    while node is not None:
        found.insert(0, node)
        node = parents.get(node)
    return found
# healthy: tagger depends on the word alone but keeps
# below: lemma rules.py
class Lemmas:
    def __init__(self, words):
        self.words = words
        self.cache = {}
    def lemma(self, word):
        if word in self.cache:
            return self.cache[word]
        found = word[:-1] if word.endswith("s") else word
        self.cache[word] = found
        return found
def lemmas(text, rules):
    return [rules.lemma(word) for word in text.split()]  # hot
# healthy: a stemmer with lru_cache on the method
# below: stem rules.py
import functools
class Stemmer:
    @functools.lru_cache(maxsize=None)
    def stem(self, word):
        return word.rstrip("s")
def stems(tokens, rules):
    return [rules.stem(token) for token in tokens]  # hot
# healthy: partner from a pool that shrinks
def pair(people, free):
    for person in people:
        other = next((each for each in free if each.city == person.city), None)
        if other:
            free.remove(other)
# healthy: partner from a pool marked as taken
def pair(people, others):
    for person in people:
        for each in others:
            if each.city == person.city and not each.taken:
                each.taken = True
                break
