# slow
# below: dropout torch/nn/functional.py
# known: device=cpu
import torch.nn.functional as F

def forward(x):
    return F.dropout(x, 0.5)  # hot
# exempt: small
# below: dropout torch/nn/functional.py
# known: device=cpu elements=5000
import torch.nn.functional as F

def forward(x):
    return F.dropout(x, 0.5)  # hot
