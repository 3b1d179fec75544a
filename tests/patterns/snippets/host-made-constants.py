# slow
# known: device=cuda
import torch

def forward(x, device):
    return x * torch.arange(x.shape[1]).to(device)  # hot
# exempt: made on the device
# known: device=cuda
import torch

def forward(x, device):
    return x * torch.arange(x.shape[1], device=device).to(device)  # hot
