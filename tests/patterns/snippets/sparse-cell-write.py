# slow
# below: __setitem__ scipy/sparse/_index.py, _set_intXint scipy/sparse/_compressed.py, _set_many scipy/sparse/_compressed.py
from scipy.sparse import csr_matrix

def counts(pairs, n):
    matrix = csr_matrix((n, n))
    for i, j in pairs:
        matrix[i, j] = 1  # hot
    return matrix
# exempt: a format for writing
# below: __setitem__ scipy/sparse/_lil.py
from scipy.sparse import lil_matrix

def counts(pairs, n):
    matrix = lil_matrix((n, n))
    for i, j in pairs:
        matrix[i, j] = 1  # hot
    return matrix.tocsr()
