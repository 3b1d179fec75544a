# healthy
# known: step=True device=cpu
import torch
from torch.utils.data import DataLoader, TensorDataset

def train(model, data, epochs):
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(epochs):
        total = 0.0
        for step, (x, y) in enumerate(loader):
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            if step % 100 == 0:
                print(epoch, step, total / (step + 1))
        torch.save(model.state_dict(), "model.pt")
