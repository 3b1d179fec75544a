# slow
# below: predict sklearn/ensemble/_forest.py, predict_proba sklearn/ensemble/_forest.py, __call__ sklearn/utils/parallel.py, __call__ joblib/parallel.py, _get_outputs joblib/parallel.py, _retrieve joblib/parallel.py
# known: handler=True
def score(row):
    return model.predict([row])[0]  # hot
# exempt: many rows
# below: predict sklearn/ensemble/_forest.py, __call__ joblib/parallel.py, _get_outputs joblib/parallel.py
# known: handler=True seconds_each=2
def score(rows):
    return model.predict(rows)  # hot
# exempt: sequential already
# below: predict sklearn/ensemble/_forest.py, __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py
# known: handler=True
def score(row):
    return model.predict([row])[0]  # hot
