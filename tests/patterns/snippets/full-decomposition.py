# slow
import numpy as np

def components(x, k):
    u, s, vt = np.linalg.svd(x)  # hot
    return u[:, :k], s[:k], vt[:k]
# exempt: the whole is used
import numpy as np

def inverse(x):
    u, s, vt = np.linalg.svd(x, full_matrices=False)  # hot
    return vt.T @ np.diag(1 / s) @ u.T
# exempt: the values alone
import numpy as np

def values(x):
    return np.linalg.svd(x, compute_uv=False)  # hot
