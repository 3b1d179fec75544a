# slow
# below: format_stack torch/fx/traceback.py, extract_stack traceback.py
import torch

torch.autograd.set_detect_anomaly(True)

def forward(x, w):
    return x @ w  # hot
# exempt: the program prints a stack
# below: format_stack traceback.py
import torch

def forward(x, w):
    return x @ w  # hot
