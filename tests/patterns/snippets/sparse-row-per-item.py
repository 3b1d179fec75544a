# slow
# below: getrow scipy/sparse/_matrix.py, _getrow scipy/sparse/_csr.py
from scipy.sparse import load_npz

def best(path):
    matrix = load_npz(path)
    return [matrix.getrow(i).argmax() for i in range(matrix.shape[0])]  # hot
# slow
# below: __getitem__ scipy/sparse/_index.py, _get_intXslice scipy/sparse/_csr.py
from scipy.sparse import load_npz

def best(path):
    matrix = load_npz(path)
    for i in range(matrix.shape[0]):
        row = matrix[i]  # hot
        yield row.indices
# exempt: batches of rows
# below: __getitem__ scipy/sparse/_index.py, _get_arrayXslice scipy/sparse/_csr.py
from scipy.sparse import load_npz

def batches(path, orders):
    matrix = load_npz(path)
    for rows in orders:
        yield matrix[rows].toarray()  # hot
