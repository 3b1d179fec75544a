# slow
# known: on_device=True
import torch

def forward(x, device):
    return x * torch.arange(x.shape[1]).to(device)  # hot
# exempt: made on the device
# known: on_device=True
import torch

def forward(x, device):
    return x * torch.arange(x.shape[1], device=device).to(device)  # hot
# slow: by a function, in each forward pass
# known: on_device=True
import torch

def bias(length):
    places = torch.arange(length)
    return (places[None] - places[:, None]).float()

class Attention(torch.nn.Module):
    def forward(self, x):
        return x + bias(x.shape[1]).to(x.device)  # hot
# exempt: the batch
# known: on_device=True
import torch

def batch(index):
    return torch.full((8, 8), index)

def train(model, device):
    for index in range(100):
        model(batch(index).to(device))  # hot
