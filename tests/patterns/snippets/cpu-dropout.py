# slow
# below: dropout torch/nn/functional.py
# known: device=cpu cores=1.0
import torch.nn.functional as F

def forward(x):
    return F.dropout(x, 0.5)  # hot
# exempt: several cores work already
# below: dropout torch/nn/functional.py
# known: device=cpu cores=3.8
import torch.nn.functional as F

def forward(x):
    return F.dropout(x, 0.5)  # hot
