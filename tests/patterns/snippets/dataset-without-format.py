# slow
import torch
from datasets import load_from_disk

def collate(examples):
    return torch.tensor([e["features"] for e in examples])  # hot

def loader(path):
    return torch.utils.data.DataLoader(load_from_disk(path), collate_fn=collate)
# slow: batches of the dataset, the conversion
import torch
from datasets import load_from_disk

def epoch(model, data):
    for batch in data.iter(batch_size=64):
        x = torch.as_tensor(batch["mel"])  # hot
        model(x)
# slow: batches of the dataset, what makes the lists
# below: iter datasets/arrow_dataset.py, format_batch datasets/formatting/formatting.py
import torch
from datasets import load_from_disk

def epoch(model, data):
    for batch in data.iter(batch_size=64):  # hot
        model(torch.as_tensor(batch["mel"]))
# exempt: texts, which are Python objects anyway
# below: iter datasets/arrow_dataset.py, format_batch datasets/formatting/formatting.py
import torch
from datasets import load_from_disk

def count(data):
    for batch in data.iter(batch_size=64):  # hot
        yield [len(text) for text in batch["text"]]
# exempt: batches of another iterator
import torch
import datasets

def epoch(model, loader):
    for batch in loader:
        model(torch.as_tensor(batch["mel"]))  # hot
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
