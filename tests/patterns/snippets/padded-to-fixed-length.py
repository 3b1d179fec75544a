# slow: by hand
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py, forward torch/nn/modules/transformer.py
# known: inferred_fill=0.2
import torch

MAX_LEN = 256

def encode(text):
    ids = [hash(word) % 30000 for word in text.split()][:MAX_LEN]
    return ids + [0] * (MAX_LEN - len(ids))  # cause

def classify(model, texts):
    batch = torch.tensor([encode(text) for text in texts])
    with torch.no_grad():
        return model(batch)  # hot
# slow: by the tokenizer
# below: _wrapped_call_impl torch/nn/modules/module.py, forward transformers/models/bert/modeling_bert.py
# known: inferred_fill=0.1
def embed(tokenizer, model, texts):
    inputs = tokenizer(texts, padding="max_length", max_length=512, return_tensors="pt")  # cause
    return model(**inputs)  # hot
# slow: into an array
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/rnn.py
# known: inferred_fill=0.3
import numpy as np
import torch

class Scorer:
    def __init__(self, model, max_len=200):
        self.model, self.max_len = model, max_len

    def score(self, rows):
        batch = np.zeros((len(rows), self.max_len), dtype=np.int64)  # cause
        for i, row in enumerate(rows):
            batch[i, : len(row)] = row
        return self.model(torch.from_numpy(batch))  # hot
# exempt: to the longest of the batch
# below: _wrapped_call_impl torch/nn/modules/module.py, forward transformers/models/bert/modeling_bert.py
# known: inferred_fill=1.0
def embed(tokenizer, model, texts):
    return model(**tokenizer(texts, padding=True, return_tensors="pt"))  # hot
# exempt: the width is no filler of ours
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: inferred_fill=0.3
def score(model, counts):
    return model(counts)  # hot
# exempt: compiled for one shape
# below: _wrapped_call_impl torch/nn/modules/module.py, forward transformers/models/bert/modeling_bert.py
# known: inferred_fill=0.2
import torch

def serve(tokenizer, model, texts):
    fast = torch.compile(model)
    inputs = tokenizer(texts, padding="max_length", max_length=128, return_tensors="pt")
    return fast(**inputs)  # hot
