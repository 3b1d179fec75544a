# slow
# below: fit sklearn/model_selection/_search.py, fit sklearn/pipeline.py, _fit_transform_one sklearn/pipeline.py
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

pipe = Pipeline([("tfidf", None), ("clf", None)])
search = GridSearchCV(pipe, {"clf__alpha": [0.1, 1.0]})
search.fit([], [])  # hot
# exempt: it keeps what it has fitted
# below: fit sklearn/model_selection/_search.py, fit sklearn/pipeline.py, _fit_transform_one sklearn/pipeline.py
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

pipe = Pipeline([("tfidf", None), ("clf", None)], memory="cache")
search = GridSearchCV(pipe, {"clf__alpha": [0.1, 1.0]})
search.fit([], [])  # hot
