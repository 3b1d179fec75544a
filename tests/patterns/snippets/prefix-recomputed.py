# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

@torch.no_grad()
def complete(model, ids, count):
    for _ in range(count):
        logits = model(ids)  # hot
        token = logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, token], dim=1)
    return ids
# exempt: keys and values are kept
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def complete(model, ids, count):
    cache = None
    for _ in range(count):
        out = model(ids, past_key_values=cache, use_cache=True)  # hot
        cache = out.past_key_values
        ids = torch.cat([ids, out.logits[:, -1:].argmax(-1)], dim=1)
    return ids
# exempt: what grows is not what the model gets
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def embed(model, batches):
    found = torch.empty(0, 8)
    for batch in batches:
        vectors = model(batch)  # hot
        found = torch.cat([found, vectors])
    return found
# exempt: a window of fixed length moves on
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def forecast(model, window, steps):
    found = []
    for _ in range(steps):
        value = model(window)  # hot
        found.append(value)
        window = torch.cat([window[:, 1:], value], dim=1)
    return found
# exempt: it is cut to a window in each pass
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def forecast(model, window, steps):
    for _ in range(steps):
        value = model(window)  # hot
        window = torch.cat([window, value], dim=1)
        window = window[:, -64:]
    return window
# exempt: an encoder without a mask looks both ways
# below: _wrapped_call_impl torch/nn/modules/module.py, forward bert.py
import torch
from transformers import BertForMaskedLM

def complete(ids, count):
    model = BertForMaskedLM.from_pretrained("bert")
    for _ in range(count):
        logits = model(ids)  # hot
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
    return ids
# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

class Sampler:
    def stream(self, prompt, count):
        ids = prompt
        for _ in range(count):
            logits = self.model(input_ids=ids).logits[:, -1]  # hot
            token = logits.argmax(-1, keepdim=True)
            ids = torch.cat((ids, token), dim=1)
            yield token
# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def complete(model, tokens, count):
    while len(tokens) < count:
        logits = model(torch.tensor([tokens]))  # hot
        tokens.append(int(logits[0, -1].argmax()))
    return tokens
# exempt: the list keeps its length
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def forecast(model, window, count):
    for _ in range(count):
        value = model(torch.tensor([window]))  # hot
        window.append(float(value))
        window.pop(0)
# exempt: the last token alone
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
import torch

def complete(model, tokens, count):
    for _ in range(count):
        logits, state = model(torch.tensor([tokens[-1:]]), state)  # hot
        tokens.append(int(logits[0, -1].argmax()))
