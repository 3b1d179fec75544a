# slow
# below: stem nltk/stem/porter.py, _step1b nltk/stem/porter.py
from nltk.stem import PorterStemmer

stemmer = PorterStemmer()

def stems(texts):
    for text in texts:
        yield [stemmer.stem(word) for word in text.split()]  # hot
# slow
# below: lemmatize nltk/stem/wordnet.py, _morphy nltk/corpus/reader/wordnet.py
def lemmas(lemmatizer, words):
    return [lemmatizer.lemmatize(word) for word in words]  # hot
# exempt: cached
# below: stem nltk/stem/porter.py, _step1b nltk/stem/porter.py
import functools
from nltk.stem import PorterStemmer

stemmer = PorterStemmer()

@functools.lru_cache(None)
def stem(word):
    return stemmer.stem(word)  # hot

def stems(words):
    return [stem(word) for word in words]
# exempt: a stemmer of one's own
# below: stem mine/stemmer.py
def stems(stemmer, words):
    return [stemmer.stem(word) for word in words]  # hot
# exempt: each distinct word once
# below: stem nltk/stem/porter.py, _step1b nltk/stem/porter.py
from nltk.stem import PorterStemmer

def forms(words):
    stemmer = PorterStemmer()
    return {word: stemmer.stem(word) for word in set(words)}  # hot
# exempt: the words of a vocabulary
# below: stem nltk/stem/porter.py, _step1b nltk/stem/porter.py
from collections import Counter
from nltk.stem import PorterStemmer

def forms(words):
    stemmer = PorterStemmer()
    counts = Counter(words)
    found = {}
    for word in counts:
        found[word] = stemmer.stem(word)  # hot
    return found
# exempt: a cache stands around the method
# below: stem nltk/stem/porter.py, _step1b nltk/stem/porter.py
from functools import lru_cache
from nltk.stem import PorterStemmer

stem = lru_cache(maxsize=None)(PorterStemmer().stem)

def stems(words):
    return [stem(word) for word in words]  # hot
# exempt: rules of one's own may cost no more than looking them up
# below: stem user.py, measure user.py
class Stemmer:
    def measure(self, word):
        return sum(letter in "aeiou" for letter in word)

    def stem(self, word):
        return word[:-3] if word.endswith("ing") and self.measure(word[:-3]) else word

def forms(text, stemmer):
    return [stemmer.stem(word) for word in text.split()]  # hot
# exempt: it keeps what it has found
# below: stem user.py, measure user.py
class Stemmer:
    def measure(self, word):
        return sum(letter in "aeiou" for letter in word)

    def stem(self, word):
        if word not in self.known:
            self.known[word] = word[:-3] if self.measure(word) else word
        return self.known[word]

def forms(text, stemmer):
    return [stemmer.stem(word) for word in text.split()]  # hot
