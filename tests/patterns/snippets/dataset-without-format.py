# slow
import torch
from datasets import load_from_disk

def collate(examples):
    return torch.tensor([e["features"] for e in examples])  # hot

def loader(path):
    return torch.utils.data.DataLoader(load_from_disk(path), collate_fn=collate)
# exempt: with a format
import torch
from datasets import load_from_disk

def collate(examples):
    return torch.tensor([e["length"] for e in examples])  # hot

def loader(path):
    data = load_from_disk(path).with_format("torch")
    return torch.utils.data.DataLoader(data, collate_fn=collate)
# exempt: rows of one's own
import torch

def collate(examples):
    return torch.tensor([e["label"] for e in examples])  # hot
