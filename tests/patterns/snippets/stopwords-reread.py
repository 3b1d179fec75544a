# slow
# below: words nltk/corpus/reader/wordlist.py, raw nltk/corpus/reader/api.py
from nltk.corpus import stopwords
from nltk.tokenize import word_tokenize

def clean(text):
    return [word for word in word_tokenize(text) if word not in stopwords.words("english")]  # hot
# slow: once a text
# below: words nltk/corpus/reader/wordlist.py, raw nltk/corpus/reader/api.py
from nltk.corpus import stopwords

def clean(frame):
    return frame["text"].apply(lambda text: set(text.split()) - set(stopwords.words("english")))  # hot
# exempt: once
# below: words nltk/corpus/reader/wordlist.py, raw nltk/corpus/reader/api.py
from nltk.corpus import stopwords

STOP = set(stopwords.words("english"))  # hot
# exempt: another list each time
# below: words nltk/corpus/reader/wordlist.py, raw nltk/corpus/reader/api.py
from nltk.corpus import stopwords

def all_of(languages):
    return {name: set(stopwords.words(name)) for name in languages}  # hot
