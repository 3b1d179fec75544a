# slow
import torch

class Attention(torch.nn.Module):
    def forward(self, q, k, v):
        found = []
        for b in range(q.shape[0]):
            found.append(torch.matmul(q[b], k[b].transpose(0, 1)))  # hot
        return torch.stack(found)
# slow
import torch

def pair_loss(x, y):
    total = 0.0
    for i in range(len(x)):
        total = total + torch.dist(x[i], y[i])  # hot
    return total / len(x)
# exempt: a recurrence
import torch

class Cell(torch.nn.Module):
    def forward(self, x):
        state = torch.zeros(x.shape[0], 8)
        for t in range(x.shape[1]):
            state = torch.tanh(x[:, t] @ self.w + state @ self.u)  # hot
        return state
# exempt: layers
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        for i in range(self.layers_count):
            x = torch.relu(self.layers[i](x))  # hot
        return x
# exempt: heavy passes
# known: seconds_each=0.05
import torch

class Experts(torch.nn.Module):
    def forward(self, x, masks):
        found = []
        for e in range(8):
            found.append(torch.matmul(x[masks[e]], self.w[e]))  # hot
        return found
# exempt: batches of a training loop
# known: step=True
import torch

def train(model, x, y, size):
    for start in range(0, len(x), size):
        loss = torch.nn.functional.mse_loss(model(x[start : start + size]), y[start : start + size])  # hot
        loss.backward()
# slow: what is compared is picked in the loops around
import torch
import torch.nn.functional as F

class TripletLoss(torch.nn.Module):
    def forward(self, emb, labels):
        losses = []
        for i in range(len(labels)):
            positives = [j for j in range(len(labels)) if j != i and labels[j] == labels[i]]
            negatives = [j for j in range(len(labels)) if labels[j] != labels[i]]
            for p in positives:
                near = F.pairwise_distance(emb[i : i + 1], emb[p : p + 1])
                for k in negatives[::4]:
                    far = F.pairwise_distance(emb[i : i + 1], emb[k : k + 1])
                    losses.append(F.relu(near - far + self.margin))  # hot
        return torch.cat(losses).mean()
# exempt: parts by name
import torch

def total_loss(losses, weights):
    total = 0.0
    for name in losses:
        total = total + weights[name] * torch.mean(losses[name])  # hot
    return total
# exempt: batches that a counter cuts out
import torch

def evaluate_loss(model, x, y, count, size):
    total = 0.0
    for number in range(count):
        total += torch.nn.functional.mse_loss(model(x[number * size : (number + 1) * size]), y[number * size : (number + 1) * size]).item()  # hot
    return total / count
