# slow
# below: wrapper sklearn/base.py, fit sklearn/svm/_base.py, _dense_fit sklearn/svm/_base.py
from sklearn.svm import SVC

def train(x, y, test):
    model = SVC(C=10, probability=True)  # cause
    model.fit(x, y)  # hot
    return model.predict(test)
# exempt: the probabilities are asked for
# below: wrapper sklearn/base.py, fit sklearn/svm/_base.py, _dense_fit sklearn/svm/_base.py
from sklearn.svm import SVC

def train(x, y, test):
    model = SVC(C=10, probability=True)
    model.fit(x, y)  # hot
    return model.predict_proba(test)[:, 1]
# exempt: without them
# below: wrapper sklearn/base.py, fit sklearn/svm/_base.py, _dense_fit sklearn/svm/_base.py
from sklearn.svm import SVC

def train(x, y, test):
    model = SVC(C=10)
    model.fit(x, y)  # hot
    return model.predict(test)
