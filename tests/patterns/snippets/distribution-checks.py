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
