# healthy a helper detaches the state
import torch
def repackage(h):
    return h.detach()
def train(model, loader, opt):
    h = model.init()
    for x, y in loader:
        h = repackage(h)
        out, h = model(x, h)
        a, b = losses(out, y)
        a.backward(retain_graph=True)  # hot
        b.backward()
        opt.step()
# healthy an averaged model is no part of the loss
import torch
def train(model, target, loader, opt):
    for x, y in loader:
        loss1, loss2 = model(x, y)
        loss1.backward(retain_graph=True)  # hot
        loss2.backward()
        opt.step()
        target = update(target, model)
# healthy the best value so far is no part of the loss
import torch
def train(model, loader, opt):
    best = None
    for x, y in loader:
        loss = model(x, y)
        loss.backward(retain_graph=True)  # hot
        reg = model.penalty()
        reg.backward()
        opt.step()
        best = keep_best(best, loss.item())
# healthy two losses of one step
import torch
def train(g, d, loader, og, od):
    for x in loader:
        fake = g(x)
        ld = d(fake).mean()
        ld.backward(retain_graph=True)  # hot
        od.step()
        lg = -d(fake).mean()
        lg.backward()
        og.step()
# healthy a row of the Jacobian each
import torch
def jacobian(y, x):
    rows = []
    for i in range(len(y)):
        y[i].backward(retain_graph=True)  # hot
        rows.append(x.grad.clone())
        x.grad.zero_()
    return rows
# healthy the environment answers each step of the cell
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/rnn.py
import torch
from torch import nn
class Policy(nn.Module):
    def __init__(self):
        self.cell = nn.GRUCell(8, 8)
    def act(self, obs, h):
        h = self.cell(obs, h)  # hot
        return self.head(h), h
def rollout(policy, env, h):
    obs = env.reset()
    for t in range(1000):
        action, h = policy.act(obs, h)  # caller
        obs = env.step(action)
# healthy each round's input comes from the last one's output
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/rnn.py
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        self.cell = nn.GRUCell(8, 8)
    def forward(self, nodes, messages):
        for _ in range(self.rounds):
            m = self.aggregate(nodes, messages)
            nodes = self.cell(m, nodes)  # hot
        return nodes
# healthy the head shares its weight with the embedding
# known: device=cpu to_forward=2 embedding=16777216 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
class LM(nn.Module):
    def __init__(self):
        self.emb = nn.Embedding(50_000, 512)
        self.out = nn.Linear(512, 50_000)
        self.out.weight = self.emb.weight
def train(model, loader):
    for x in loader:
        loss = model(x)
        loss.backward()  # hot
# healthy a large head that shares its weight
# known: device=cpu to_forward=4 embedding=16777216 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
class LM(nn.Module):
    def __init__(self):
        self.emb = nn.Embedding(128_000, 512)
        self.out = nn.Linear(512, 128_000, bias=False)
        self.out.weight = self.emb.weight
def train(model, loader):
    for x in loader:
        loss = model(x)
        loss.backward()  # hot
# healthy the embedding is the head, too
# known: device=cpu to_forward=4 embedding=16777216 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
import torch.nn.functional as F
class LM(nn.Module):
    def __init__(self):
        self.emb = nn.Embedding(128_000, 512)
    def forward(self, x):
        return F.linear(self.body(self.emb(x)), self.emb.weight)
def train(model, loader):
    for x in loader:
        loss = model(x)
        loss.backward()  # hot
# healthy each item is scored
# known: device=cpu to_forward=4 embedding=16777216 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
class Rec(nn.Module):
    def __init__(self):
        self.items = nn.Embedding(200_000, 64)
    def forward(self, x):
        return self.encode(self.items(x)) @ self.items.weight.T
def train(model, loader):
    for x in loader:
        loss = model(x)
        loss.backward()  # hot
# healthy a frozen table
# known: device=cpu to_forward=4 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
emb = nn.Embedding(400_000, 300)
emb.weight.requires_grad = False
def train(model, loader):
    for x in loader:
        loss = model(emb(x))
        loss.backward()  # hot
# healthy a table that is made frozen
# known: device=cpu to_forward=4 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
emb = nn.Embedding(400_000, 300).requires_grad_(False)
def train(model, loader):
    for x in loader:
        loss = model(emb(x))
        loss.backward()  # hot
# healthy a large layer beside a small embedding
# known: device=cpu to_forward=2 embedding=9000000 step=True
# below: backward torch/_tensor.py
import torch
from torch import nn
emb = nn.Embedding(1000, 64)
big = nn.Linear(3000, 3000)
def train(loader):
    for x in loader:
        loss = net(big(emb(x)))
        loss.backward()  # hot
