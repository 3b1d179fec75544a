# healthy one job unless the caller says more
# known: cores=1.0
# below: __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py
from joblib import Parallel, delayed

def run(items, n_jobs=1):
    return Parallel(n_jobs=n_jobs)(delayed(work)(i) for i in items)  # hot
# healthy numbers are given in the order of the rows
# known: cores=1.0 body=0.95
# below: map datasets/arrow_dataset.py, number job.py
from datasets import load_dataset

data = load_dataset("x", split="train")
seen = {}
def number(row):
    return {"id": seen.setdefault(row["name"], len(seen))}
data = data.map(number)  # hot
# healthy a search whose fits have the device
# known: cores=1.0
# below: fit sklearn/model_selection/_search.py, __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py, fit skorch/net.py, _call_impl torch/nn/modules/module.py
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier

search = GridSearchCV(NeuralNetClassifier(Net, device="cuda"), grid)
search.fit(x, y)  # hot
# healthy a compressed stream written in small pieces
# known: cores=1.0
import zstandard

def write(path, rows):
    with open(path, "wb") as raw, zstandard.ZstdCompressor(level=3).stream_writer(raw) as out:
        for row in rows:
            out.write(row.encode())  # hot
# healthy a tree of points asked for one point at a time
# known: cores=1.0
from scipy.spatial import cKDTree

def follow(points, path):
    tree = cKDTree(points)
    for place in path:
        distance, at = tree.query(place)  # hot
        move(at)
# healthy fits with one thread each in a parallel search
# known: cores=1.0
from sklearn.model_selection import GridSearchCV
from xgboost import XGBClassifier

search = GridSearchCV(XGBClassifier(n_jobs=1), grid, n_jobs=-1)
search.fit(x, y)  # hot
# healthy files read side by side with one thread each
# known: cores=1.0
from concurrent.futures import ThreadPoolExecutor
import pyarrow.parquet as pq

def read(path):
    return pq.read_table(path, use_threads=False)  # hot

with ThreadPoolExecutor(8) as pool:
    tables = list(pool.map(read, paths))
# healthy the search around the forest is parallel
# known: cores=1.0
# below: fit sklearn/ensemble/_forest.py, __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

scores = cross_val_score(RandomForestClassifier(), x, y, n_jobs=-1)  # hot
# healthy the context says one job
# known: cores=1.0
# below: __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py
from joblib import Parallel, delayed, parallel_config
with parallel_config(n_jobs=1):
    out = Parallel()(delayed(f)(i) for i in items)  # hot
