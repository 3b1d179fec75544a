# slow
# known: cores=1.0
# below: __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py, work work.py
from joblib import Parallel, delayed

def main(items):
    return Parallel()(delayed(work)(item) for item in items)  # hot
# exempt: several jobs
# known: cores=1.9
# below: __call__ joblib/parallel.py, _get_outputs joblib/parallel.py
from joblib import Parallel, delayed

def main(items):
    return Parallel(n_jobs=-1)(delayed(work)(item) for item in items)  # hot
# exempt: one job, on purpose
# known: cores=1.0
# below: __call__ joblib/parallel.py, _get_sequential_output joblib/parallel.py, work work.py
from joblib import Parallel, delayed

def main(items):
    return Parallel(n_jobs=1)(delayed(work)(item) for item in items)  # hot
