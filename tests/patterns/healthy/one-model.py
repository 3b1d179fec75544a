# healthy results are needed at once
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
import torch

def watch(camera, model):
    for frame in camera.stream():
        boxes = model(to_tensor(frame).unsqueeze(0))  # hot
        show(frame, boxes)
# healthy gradients of each sample
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
import torch

def saliency(model, images):
    maps = []
    for image in images:
        x = image.requires_grad_()
        score = model(x.unsqueeze(0)).max()  # hot
        maps.append(torch.autograd.grad(score, x)[0])
    return maps
# healthy the state is reset where an episode ends
import torch
from torch import nn

class Policy(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.cell = nn.GRUCell(size, size)

    def forward(self, x, h, masks):
        outputs = []
        for t in range(x.shape[0]):
            h = self.cell(x[t], h * masks[t])  # hot
            outputs.append(h)
        return torch.stack(outputs), h
# healthy the state is changed between the steps
import torch
from torch import nn

class Zoneout(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.cell, self.norm = nn.GRUCell(size, size), nn.LayerNorm(size)

    def forward(self, x, h):
        outputs = []
        for t in range(x.shape[0]):
            new = self.cell(x[t], h)  # hot
            h = torch.where(torch.rand_like(h) < 0.1, h, self.norm(new))
            outputs.append(h)
        return torch.stack(outputs)
# healthy two losses of one step
import torch

def train(generator, critic, loader, optimizer):
    best = 1e9
    for epoch in range(20):
        for x in loader:
            fake = generator(torch.randn_like(x))
            first, second = (fake - x).abs().mean(), critic(fake).mean()
            first.backward(retain_graph=True)  # hot
            second.backward()
            optimizer.step()
        best = min(best, evaluate(generator))
        loader = shuffled(loader)
# healthy a running mean that no gradient goes through
import torch
from torch import nn

class Center(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return x - self.mean

def train(model, loader, optimizer):
    for x in loader:
        z = model(x)
        z.square().mean().backward(retain_graph=True)  # hot
        penalty(z).backward()
        optimizer.step()
# healthy the checkpoint alone is float16
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: device=cpu
import torch
from torch import nn

model = nn.Linear(512, 10)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for x, y in loader:
    loss = nn.functional.cross_entropy(model(x), y)  # hot
    loss.backward()
    optimizer.step()
torch.save(model.half().state_dict(), "small.pt")
# healthy each expert gets rows of its own
# known: step=True
import torch
from torch import nn

class Experts(nn.Module):
    def forward(self, x, chosen):
        out = torch.zeros_like(x)
        for e in range(self.count):
            rows = torch.where(chosen == e)[0]
            out[rows] = torch.matmul(x[rows], self.weight[e])  # hot
        return out
# healthy the model keeps a cache of its own form
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def generate(model, ids, n):
    state = model.empty_state()
    for _ in range(n):
        logits = model(ids, kv_state=state)  # hot
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
    return ids
