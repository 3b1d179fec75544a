# slow
# below: predict sklearn/ensemble/_forest.py, predict_proba sklearn/ensemble/_forest.py, check_array sklearn/utils/validation.py
import numpy as np
from sklearn.ensemble import RandomForestClassifier

def scores(rows, labels):
    model = RandomForestClassifier().fit(rows, labels)
    return [model.predict(row.reshape(1, -1))[0] for row in rows]  # hot
# slow
# below: transform sklearn/feature_extraction/text.py, _count_vocab sklearn/feature_extraction/text.py
def vectors(vectorizer, texts):
    found = []
    for text in texts:
        found.append(vectorizer.transform([text]))  # hot
    return found
# slow
# below: predict xgboost/sklearn.py
def scores(model, frame):
    for i in range(len(frame)):
        yield model.predict(frame.iloc[[i]])  # hot
# exempt: a forecast that feeds on itself
# below: predict sklearn/linear_model/_base.py
def forecast(model, window, steps):
    found = []
    for _ in range(steps):
        value = model.predict([window])[0]  # hot
        window = window[1:] + [value]
        found.append(value)
    return found
# exempt: it feeds on itself through a list
# below: predict sklearn/linear_model/_base.py
def forecast(model, history, steps):
    for step in range(steps):
        row = history[-7:] + [step]
        value = model.predict([row])[0]  # hot
        history.append(value)
    return history
# exempt: batches
# below: predict sklearn/linear_model/_base.py
def scores(model, batches):
    return [model.predict(batch) for batch in batches]  # hot
# exempt: for one request
# below: predict sklearn/linear_model/_base.py
# known: handler=True
def answer(model, row):
    return model.predict([row])[0]  # hot
# exempt: a stream
# below: predict sklearn/linear_model/_base.py
def serve(model, queue):
    while True:
        row = queue.get()
        yield model.predict([row])[0]  # hot
# exempt: the model learns from each row
# below: predict sklearn/linear_model/_base.py
def online(model, rows, labels):
    for row, label in zip(rows, labels):
        guess = model.predict([row])  # hot
        model.partial_fit([row], [label])
        yield guess
# exempt: fitted anew for each step forward
# below: predict sklearn/linear_model/_base.py
from sklearn.linear_model import Ridge

def walk_forward(X, y, first):
    for i in range(first, len(X)):
        model = Ridge().fit(X[:i], y[:i])
        yield model.predict(X[i : i + 1])  # hot
# exempt: one row of many models
# below: predict sklearn/linear_model/_base.py
def votes(models, rows):
    for row in rows:
        yield [model.predict([row])[0] for model in models]  # hot
# exempt: rows come one at a time
# below: predict sklearn/linear_model/_base.py
import sys

def serve(model):
    for line in sys.stdin:
        print(model.predict([line.split()])[0])  # hot
# slow: a callback that a comprehension calls
# below: predict_proba sklearn/pipeline.py, predict_proba sklearn/linear_model/_logistic.py
# known: looped=True
class Gate:
    def __init__(self, model):
        self.model = model

    def __call__(self, row):
        return self.model.predict_proba(row.reshape(1, -1))[0, 1] > 0.7  # hot

def consume(rows, callback):
    return [callback(row) for row in rows]  # caller
# exempt: a callback of a server
# below: predict_proba sklearn/pipeline.py, predict_proba sklearn/linear_model/_logistic.py
# known: looped=True
class Gate:
    def __init__(self, model):
        self.model = model

    def __call__(self, row):
        return self.model.predict_proba(row.reshape(1, -1))[0, 1] > 0.7  # hot

def consume(queue, callback):
    while True:
        callback(queue.get())  # caller
# exempt: the object learns as it goes
# below: predict sklearn/linear_model/_base.py
# known: looped=True
class Online:
    def __init__(self, model):
        self.model = model

    def learn(self, row, label):
        self.model.partial_fit([row], [label])

    def guess(self, row):
        return self.model.predict([row])  # hot

def consume(online, rows):
    for row in rows:
        print(online.guess(row))  # caller
# slow: by map
# below: predict sklearn/linear_model/_base.py
# known: looped=True
class Scorer:
    def __init__(self, model):
        self.model = model

    def score(self, row):
        return self.model.predict([row])[0]  # hot

def scores(model, rows):
    return list(map(Scorer(model).score, rows))  # caller
# slow: for each row of a frame
# below: predict_proba sklearn/ensemble/_forest.py, __call__ joblib/parallel.py
from sklearn.ensemble import RandomForestClassifier

def score(frame, x, y):
    model = RandomForestClassifier().fit(x, y)
    return frame.apply(lambda row: model.predict_proba([row.to_numpy()])[0, 1], axis=1)  # hot
# slow: by a function for each row
# below: predict sklearn/linear_model/_base.py
from sklearn.linear_model import LogisticRegression

MODEL = LogisticRegression()

def score_row(row):
    return MODEL.predict([row[["age", "income"]]])[0]  # hot

def score(frame):
    return frame.apply(score_row, axis=1)
# slow: the rows of one request
# known: handler=True
# below: predict_proba /site-packages/sklearn/ensemble/_forest.py
from sklearn.ensemble import RandomForestClassifier

def predict(body):
    out = []
    for row in body["rows"]:
        out.append(float(model.predict_proba([row])[0, 1]))  # hot
    return out
