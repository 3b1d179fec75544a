"""A progress bar over a thousand steps and a line every hundred: what everybody does, and cheap."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = TensorDataset(torch.randn(16000, 256), torch.randint(0, 10, (16000,)))
    loader = DataLoader(data, batch_size=16, shuffle=True)
    layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters())
    bar = tqdm(loader)
    for step, (x, y) in enumerate(bar):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        bar.set_postfix(step=step, refresh=False)
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
