# slow
# below: wrapper sklearn/utils/_param_validation.py, cosine_similarity sklearn/metrics/pairwise.py, normalize sklearn/preprocessing/_data.py
from sklearn.metrics.pairwise import cosine_similarity

def nearest(vectors):
    for i in range(len(vectors)):
        scores = cosine_similarity(vectors[i : i + 1], vectors)  # hot
        yield scores.argmax()
# slow
# below: wrapper sklearn/utils/_param_validation.py, cosine_similarity sklearn/metrics/pairwise.py
from sklearn.metrics.pairwise import cosine_similarity

def table(vectors):
    return [[cosine_similarity([a], [b])[0][0] for b in vectors] for a in vectors]  # hot
# exempt: in blocks
# below: wrapper sklearn/utils/_param_validation.py, cosine_similarity sklearn/metrics/pairwise.py
from sklearn.metrics.pairwise import cosine_similarity

def blocks(vectors):
    for start in range(0, len(vectors), 1000):
        yield cosine_similarity(vectors[start : start + 1000], vectors)  # hot
