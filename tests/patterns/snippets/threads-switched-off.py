# slow
# known: cores=1.0
# below: fit xgboost/sklearn.py, train xgboost/training.py, update xgboost/core.py
from xgboost import XGBClassifier

def train(X, y):
    model = XGBClassifier(n_estimators=400, n_jobs=1)
    model.fit(X, y)  # hot
    return model
# slow: a file
# known: cores=1.0
import pyarrow.parquet as pq

def table(path):
    return pq.read_table(path, use_threads=False)  # hot
# exempt: nothing is set
# known: cores=1.0
# below: fit xgboost/sklearn.py, train xgboost/training.py, update xgboost/core.py
from xgboost import XGBClassifier

def train(X, y):
    model = XGBClassifier(n_estimators=400)
    model.fit(X, y)  # hot
    return model
# exempt: many small files
# known: cores=1.0
import pyarrow.parquet as pq

def tables(paths):
    return [pq.read_table(path, use_threads=False) for path in paths]  # hot
