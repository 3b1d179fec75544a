# slow
# below: __init__ torch/distributions/categorical.py, __init__ torch/distributions/distribution.py, check torch/distributions/constraints.py
from torch.distributions import Categorical

def act(logits):
    return Categorical(logits=logits)  # hot
# exempt: no checks
# below: __init__ torch/distributions/categorical.py
from torch.distributions import Categorical

def act(logits):
    return Categorical(logits=logits, validate_args=False)  # hot
# slow: the tests are compiled code
# below: __init__ torch/distributions/studentT.py, __init__ torch/distributions/chi2.py, __init__ torch/distributions/distribution.py
from torch.distributions import StudentT

def propose(at, scale):
    return StudentT(4.0, at, scale)  # hot
# exempt: the parameters are brought to one shape
# below: __init__ torch/distributions/studentT.py, broadcast_all torch/distributions/utils.py
from torch.distributions import StudentT

def propose(at, scale):
    return StudentT(4.0, at, scale)  # hot
