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
# slow: a method that takes one row
# below: __getitem__ scipy/sparse/_index.py, _get_intXslice scipy/sparse/_csr.py, _get_submatrix scipy/sparse/_compressed.py
# known: looped=True
class Likes:
    def liked(self, user):
        return self.matrix[user].indices  # hot
# exempt: many rows
# below: __getitem__ scipy/sparse/_index.py, _get_arrayXslice scipy/sparse/_csr.py, _major_index_fancy scipy/sparse/_compressed.py
# known: looped=True
class Likes:
    def liked(self, users):
        return self.matrix[users].indices  # hot
