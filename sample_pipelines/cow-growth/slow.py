"""Predict ratings from a log of viewings that is kept in memory."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
torch.set_num_threads(1)

USERS, FILMS = 5_000, 2_000


class Viewings(Dataset):
    def __init__(self, count):
        rng = random.Random(0)
        self.rows = [  # planted
            {
                "id": f"viewing-{number}",
                "user": rng.randrange(USERS),
                "film": rng.randrange(FILMS),
                "minutes": rng.random() * 120,
                "session": rng.randbytes(32).hex(),
                "device": f"{rng.choice(['tv', 'phone'])} {rng.randrange(10**6)}, player 4.{rng.randrange(99)}.0",
                "from": f"https://films.example/list/{rng.randrange(10**6)}?page={rng.randrange(99)}&sort=newest",
                "bitrate": rng.random() * 8,
            }
            for number in range(count)
        ]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        return row["user"], row["film"], row["minutes"] / 120


class Factors(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.users = nn.Embedding(USERS, width)
        self.films = nn.Embedding(FILMS, width)
        self.head = nn.Sequential(nn.Linear(2 * width, 1024), nn.ReLU(), nn.Linear(1024, 1))

    def forward(self, user, film):
        return self.head(torch.cat([self.users(user), self.films(film)], 1)).squeeze(1)


def train(data, epochs=2):
    model = Factors()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = DataLoader(data, batch_size=1000, shuffle=True, num_workers=2, persistent_workers=True)
    for epoch in range(epochs):
        total = 0.0
        for user, film, minutes in loader:
            loss = nn.functional.mse_loss(model(user, film), minutes.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}")


if __name__ == "__main__":
    train(Viewings(150_000))
