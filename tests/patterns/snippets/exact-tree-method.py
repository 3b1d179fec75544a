# slow
# below: inner_f xgboost/core.py, train xgboost/training.py, update xgboost/core.py
import xgboost as xgb

PARAMS = {
    "objective": "reg:squarederror",
    "tree_method": "exact",  # cause
}

def train(x, y):
    return xgb.train(PARAMS, xgb.DMatrix(x, y), num_boost_round=200)  # hot
# slow: the scikit-learn interface
# below: inner_f xgboost/core.py, fit xgboost/sklearn.py, train xgboost/training.py
from xgboost import XGBClassifier

def train(x, y):
    model = XGBClassifier(n_estimators=300, tree_method="exact")  # cause
    model.fit(x, y)  # hot
    return model
# exempt
# below: inner_f xgboost/core.py, fit xgboost/sklearn.py, train xgboost/training.py
from xgboost import XGBClassifier

def train(x, y):
    return XGBClassifier(n_estimators=300, tree_method="hist").fit(x, y)  # hot
