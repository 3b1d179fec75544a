# slow
# below: fit_transform sklearn/feature_extraction/text.py, _count_vocab sklearn/feature_extraction/text.py
from sklearn.feature_extraction.text import TfidfVectorizer

def answers(queries, texts):
    for query in queries:
        vectorizer = TfidfVectorizer()
        matrix = vectorizer.fit_transform(texts)  # hot
        yield matrix @ vectorizer.transform([query]).T
# slow: for each request
# below: fit sklearn/feature_extraction/text.py, fit_transform sklearn/feature_extraction/text.py
# known: handler=True
from sklearn.feature_extraction.text import TfidfVectorizer

TEXTS = open("texts").read().split()

def search(query):
    vectorizer = TfidfVectorizer().fit(TEXTS)  # hot
    return vectorizer.transform([query])
# exempt: another part each time
# below: fit_transform sklearn/preprocessing/_data.py
from sklearn.preprocessing import StandardScaler

def folds(x, splits):
    for train, test in splits:
        yield StandardScaler().fit_transform(x[train])  # hot
# exempt: another setting each time
# below: fit_transform sklearn/decomposition/_pca.py
from sklearn.decomposition import PCA

def sizes(x, counts):
    return [PCA(count).fit_transform(x) for count in counts]  # hot
# exempt: another seed by itself
# below: fit sklearn/cluster/_kmeans.py
from sklearn.cluster import KMeans

def tries(x):
    return [KMeans(8).fit(x).inertia_ for _ in range(10)]  # hot
