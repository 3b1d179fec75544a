# slow
# below: wrapper sklearn/base.py, fit sklearn/svm/_base.py, _sparse_fit sklearn/svm/_base.py
# known: seconds=20.0
from sklearn.svm import SVC

def train(x, y):
    classifier = SVC(kernel="linear", C=1.0)  # cause
    classifier.fit(x, y)  # hot
    return classifier
# exempt: a few hundred rows
# below: wrapper sklearn/base.py, fit sklearn/svm/_base.py, _dense_fit sklearn/svm/_base.py
# known: seconds=0.05
from sklearn.svm import SVC

def train(x, y):
    return SVC(kernel="linear").fit(x, y)  # hot
# exempt: another kernel
# below: wrapper sklearn/base.py, fit sklearn/svm/_base.py, _dense_fit sklearn/svm/_base.py
# known: seconds=20.0
from sklearn.svm import SVC

def train(x, y):
    return SVC(kernel="rbf").fit(x, y)  # hot
# exempt: the linear solver
# below: wrapper sklearn/base.py, fit sklearn/svm/_classes.py, _fit_liblinear sklearn/svm/_base.py
# known: seconds=20.0
from sklearn.svm import LinearSVC

def train(x, y):
    return LinearSVC().fit(x, y)  # hot
