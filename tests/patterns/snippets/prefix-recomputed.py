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
