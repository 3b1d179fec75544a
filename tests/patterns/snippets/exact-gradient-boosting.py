# slow
# below: wrapper sklearn/base.py, fit sklearn/ensemble/_gb.py, _fit_stages sklearn/ensemble/_gb.py
# known: seconds=14.0 cores=1.0
from sklearn.ensemble import GradientBoostingRegressor

def train(x, y):
    model = GradientBoostingRegressor(n_estimators=300)  # cause
    model.fit(x, y)  # hot
    return model
# slow: in a pipeline
# below: wrapper sklearn/base.py, fit sklearn/pipeline.py, fit sklearn/ensemble/_gb.py, _fit_stages sklearn/ensemble/_gb.py
# known: seconds=9.0 cores=1.0
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pipeline = make_pipeline(
    StandardScaler(),
    GradientBoostingClassifier(max_depth=5),  # cause
)

def train(x, y):
    pipeline.fit(x, y)  # hot
# exempt: a small table
# below: wrapper sklearn/base.py, fit sklearn/ensemble/_gb.py, _fit_stages sklearn/ensemble/_gb.py
# known: seconds=0.4
from sklearn.ensemble import GradientBoostingRegressor

def train(x, y):
    return GradientBoostingRegressor().fit(x, y)  # hot
# exempt: the binned kind
# below: wrapper sklearn/base.py, fit sklearn/ensemble/_hist_gradient_boosting/gradient_boosting.py
# known: seconds=14.0
from sklearn.ensemble import HistGradientBoostingRegressor

def train(x, y):
    return HistGradientBoostingRegressor(max_iter=500).fit(x, y)  # hot
# exempt: a search of many fits, each of unknown length
# below: wrapper sklearn/base.py, fit sklearn/model_selection/_search.py, fit sklearn/ensemble/_gb.py, _fit_stages sklearn/ensemble/_gb.py
# known: seconds=14.0 cores=1.9
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import GridSearchCV

def tune(x, y):
    search = GridSearchCV(GradientBoostingRegressor(), {"max_depth": [2, 3, 4, 5]}, cv=10)
    return search.fit(x, y)  # hot
