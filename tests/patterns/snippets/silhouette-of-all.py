# slow
# below: wrapper sklearn/utils/_param_validation.py, silhouette_score sklearn/metrics/cluster/_unsupervised.py
# known: seconds=6.0
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

def choose(x):
    scores = {}
    for k in range(2, 12):
        labels = KMeans(k, n_init=3).fit_predict(x)
        scores[k] = silhouette_score(x, labels)  # hot
    return max(scores, key=scores.get)
# exempt: a sample
# below: wrapper sklearn/utils/_param_validation.py, silhouette_score sklearn/metrics/cluster/_unsupervised.py
# known: seconds=6.0
from sklearn.metrics import silhouette_score

def judge(x, labels):
    return silhouette_score(x, labels, sample_size=10_000)  # hot
# exempt: a few rows
# known: seconds=0.1
from sklearn.metrics import silhouette_score

def judge(x, labels):
    return silhouette_score(x, labels)  # hot
