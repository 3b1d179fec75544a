# slow: by what the file says
# below: _call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: device=cpu
import torch
from torch import nn

def load(size, dtype=torch.float16):
    net = nn.Sequential(nn.Linear(size, size))
    return net.eval().to(dtype)

net = load(384)

def predict(x):
    return net(x)  # hot
# exempt: only where there is a GPU
# below: _call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: device=cpu
import torch
from torch import nn

dtype = torch.float16 if torch.cuda.is_available() else torch.float32
net = nn.Sequential(nn.Linear(384, 384)).to(dtype)

def predict(x):
    return net(x)  # hot
# exempt: only what is stored is small
# below: _call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: device=cpu
import torch
from torch import nn

net = nn.Sequential(nn.Linear(384, 384))
rows = torch.load("rows.pt").to(torch.float16)

def predict(index):
    return net(rows[index].float())  # hot
