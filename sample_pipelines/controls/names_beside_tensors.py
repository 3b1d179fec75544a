"""Batches that carry names and small facts beside their tensors: they are pickled, and weigh next to nothing."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Images(Dataset):
    def __len__(self):
        return 12800

    def __getitem__(self, index):
        image = torch.full((3, 48, 48), index % 7 / 7)
        return {"image": image, "label": index % 4, "name": f"image-{index:06}.png", "box": [1.0, 2.0, 3.0, 4.0]}


def collate(samples):
    return {
        "image": torch.stack([sample["image"] for sample in samples]),
        "label": torch.tensor([sample["label"] for sample in samples]),
        "facts": [{"name": sample["name"], "box": sample["box"]} for sample in samples],
    }


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 4))

    def forward(self, images):
        time.sleep(0.015)
        return self.layers(images)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Images(), batch_size=32, num_workers=2, collate_fn=collate)
    model = Small()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for batch in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch["image"]), batch["label"]).backward()
        optimizer.step()
