"""Train an autoencoder whose code is one of many learned vectors (vector quantisation)."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

BATCH, CODES, WIDTH = 1024, 16384, 8


class Quantizer(nn.Module):
    """The nearest of the code vectors, with the gradient passed straight through."""

    def __init__(self):
        super().__init__()
        self.codes = nn.Parameter(torch.randn(CODES, WIDTH))

    @torch.no_grad()
    def nearest(self, z):
        norms = self.codes.square().sum(1)
        return (z.square().sum(1, keepdim=True) + norms - 2 * (z @ self.codes.t())).argmin(1)  # planted

    def forward(self, z):
        quantized = self.codes[self.nearest(z)]
        commitment = (quantized.detach() - z).square().mean() + (quantized - z.detach()).square().mean()
        return z + (quantized - z).detach(), commitment


class Autoencoder(nn.Module):
    def __init__(self, inputs=32):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, WIDTH))
        self.quantizer = Quantizer()
        self.decoder = nn.Sequential(nn.Linear(WIDTH, 64), nn.ReLU(), nn.Linear(64, inputs))

    def forward(self, x):
        z, commitment = self.quantizer(self.encoder(x))
        return self.decoder(z), commitment


def train(data, epochs=2):
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    for epoch in range(epochs):
        total = 0.0
        for (x,) in loader:
            decoded, commitment = model(x)
            loss = nn.functional.mse_loss(decoded, x) + 0.25 * commitment
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}")


if __name__ == "__main__":
    train(TensorDataset(torch.randn(16 * BATCH, 32)))
