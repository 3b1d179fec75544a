# slow
# below: wrapper sklearn/base.py, fit sklearn/linear_model/_logistic.py
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

def train(texts, labels):
    X = TfidfVectorizer(max_features=20_000).fit_transform(texts).toarray()  # cause
    model = LogisticRegression(max_iter=200)
    model.fit(X, labels)  # hot
    return model
# slow: split first
# below: wrapper sklearn/base.py, fit sklearn/svm/_classes.py
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.svm import LinearSVC

vectorizer = CountVectorizer()

def train(texts, labels):
    counts = vectorizer.fit_transform(texts)
    dense = counts.toarray()  # cause
    train_x, test_x, train_y, test_y = train_test_split(dense, labels)
    classifier = LinearSVC()
    classifier.fit(train_x, train_y)  # hot
    return classifier.score(test_x, test_y)
# slow: similarities
# below: wrapper sklearn/utils/_param_validation.py, cosine_similarity sklearn/metrics/pairwise.py
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

def similar(texts):
    vectors = TfidfVectorizer().fit_transform(texts).toarray()  # cause
    return cosine_similarity(vectors)  # hot
# exempt: the model takes dense rows only
# below: wrapper sklearn/base.py, fit sklearn/naive_bayes.py
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import GaussianNB

def train(texts, labels):
    X = TfidfVectorizer().fit_transform(texts).toarray()
    return GaussianNB().fit(X, labels)  # hot
# exempt: sparse
# below: wrapper sklearn/base.py, fit sklearn/linear_model/_logistic.py
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

def train(texts, labels):
    X = TfidfVectorizer().fit_transform(texts)
    return LogisticRegression().fit(X, labels)  # hot
