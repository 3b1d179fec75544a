# slow
# below: fit_transform sklearn/feature_extraction/text.py, _count_vocab sklearn/feature_extraction/text.py, _analyze sklearn/feature_extraction/text.py, words user.py
from sklearn.feature_extraction.text import CountVectorizer

def words(text):
    return [word for word in text.split() if word.isalpha()]

def count(texts):
    vectorizer = CountVectorizer(tokenizer=words)
    return vectorizer.fit_transform(texts)  # hot
# exempt: the usual pattern
# below: fit_transform sklearn/feature_extraction/text.py, _count_vocab sklearn/feature_extraction/text.py, _analyze sklearn/feature_extraction/text.py
from sklearn.feature_extraction.text import CountVectorizer

def count(texts):
    return CountVectorizer(analyzer="word").fit_transform(texts)  # hot
