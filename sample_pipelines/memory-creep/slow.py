"""Train a sequence tagger and plot the loss at the end."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)


class Tagger(nn.Module):
    def __init__(self, width=64, tags=12):
        super().__init__()
        self.rnn = nn.GRU(32, width, batch_first=True)
        self.head = nn.Linear(width, tags)

    def forward(self, x):
        hidden, _ = self.rnn(x)
        return self.head(hidden)


def make_data(count=9600, length=40):
    inputs = torch.randn(count, length, 32)
    labels = (inputs[..., :12].cumsum(1)).argmax(-1)
    return TensorDataset(inputs, labels)


def train(model, loader, epochs=2):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    history = []
    for epoch in range(epochs):
        for inputs, labels in loader:
            logits = model(inputs)
            loss = criterion(logits.flatten(0, 1), labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append((logits, loss))
        mean = sum(loss.item() for _, loss in history[-len(loader) :]) / len(loader)
        print(f"epoch {epoch}: loss {mean:.3f}")
    accuracy = (history[-1][0].argmax(-1) == labels).float().mean()
    print(f"last batch: accuracy {accuracy:.2f}")
    return history


if __name__ == "__main__":
    data = make_data()
    train(Tagger(), DataLoader(data, batch_size=32, shuffle=True))
