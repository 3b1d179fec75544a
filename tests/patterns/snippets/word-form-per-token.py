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
