# slow
import torch
# known: step=True


def train(model, loader, optimizer, criterion):
    correct = 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        correct += (model(x).argmax(1) == y).sum().item()  # hot
    return correct
# slow: without gradients, in a training step of its own
# known: step=True
import torch


def fit(self, loader):
    for batch in loader:
        x, y = batch["x"], batch["y"]
        out = self.net(x)
        loss = self.loss(out, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            predicted = self.net(x)  # hot
        self.metric.update(predicted, y)
# exempt: a second loss (sharpness-aware minimization)
# known: step=True
import torch


def train(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.first_step(zero_grad=True)
        criterion(model(x), y).backward()  # hot
        optimizer.second_step(zero_grad=True)
# exempt: another mode
# known: step=True
import torch


def train(model, loader, optimizer, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        model.eval()
        shown = model(x)  # hot
        model.train()
# exempt: now and then
# known: step=True
import torch


def train(model, loader, optimizer, criterion):
    for step, (x, y) in enumerate(loader):
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            shown = model(x)  # hot
# exempt: another batch
# known: step=True
import torch


def train(model, loader, optimizer, criterion, held):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        x, y = next(held)
        shown = model(x)  # hot
