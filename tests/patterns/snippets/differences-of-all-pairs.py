# slow
import torch

def loss(z):
    d = ((z[:, None, :] - z[None, :, :]) ** 2).sum(-1)  # hot
    return torch.relu(1 - d).mean()
# slow: by unsqueeze, with a norm
import torch

def assign(points, centers):
    return torch.norm(points.unsqueeze(1) - centers.unsqueeze(0), dim=-1).argmin(1)  # hot
# exempt: cdist
import torch

def assign(points, centers):
    return torch.cdist(points, centers).argmin(1)  # hot
# exempt: the mean of each column is taken away
def centred(x):
    return ((x - x.mean(0)[None]) ** 2).sum()  # hot
