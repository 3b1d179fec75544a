# slow
# below: wrapper sklearn/base.py, fit sklearn/model_selection/_search.py, __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py, _fit sklearn/tree/_classes.py
# known: cores=1.0
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV

def tune(x, y):
    model = RandomForestClassifier(n_estimators=300)
    search = GridSearchCV(model, {"max_depth": [4, None]}, cv=5)  # cause
    search.fit(x, y)  # hot
    return search.best_estimator_
# slow: a forest by itself
# below: wrapper sklearn/base.py, fit sklearn/ensemble/_forest.py, __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py, _fit sklearn/tree/_classes.py
# known: cores=1.02
from sklearn.ensemble import RandomForestRegressor

def train(x, y):
    model = RandomForestRegressor(n_estimators=500)  # cause
    return model.fit(x, y)  # hot
# slow: several scores in one call
# below: wrapper sklearn/utils/_param_validation.py, cross_val_score sklearn/model_selection/_validation.py, _get_sequential_output joblib/parallel.py, fit sklearn/svm/_base.py
# known: cores=1.0
from sklearn.model_selection import cross_val_score

def judge(model, x, y):
    return cross_val_score(model, x, y, cv=10)  # hot
# exempt: the fits use all cores by themselves
# below: wrapper sklearn/base.py, fit sklearn/model_selection/_search.py, _get_sequential_output joblib/parallel.py, fit sklearn/ensemble/_hist_gradient_boosting/gradient_boosting.py
# known: cores=7.4
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV

def tune(x, y):
    search = GridSearchCV(HistGradientBoostingClassifier(), {"max_depth": [4, None]}, cv=5)
    return search.fit(x, y)  # hot
# exempt: one core was asked for
# below: wrapper sklearn/base.py, fit sklearn/ensemble/_forest.py, _get_sequential_output joblib/parallel.py
# known: cores=1.0
from sklearn.ensemble import RandomForestRegressor

def train(x, y):
    model = RandomForestRegressor(n_estimators=500, n_jobs=1)
    return model.fit(x, y)  # hot
# exempt: a model that has nothing to spread
# below: wrapper sklearn/base.py, fit sklearn/linear_model/_logistic.py
# known: cores=1.0
from sklearn.linear_model import LogisticRegression

def train(x, y):
    return LogisticRegression(max_iter=5000).fit(x, y)  # hot
