# slow
# known: step=True
import torch

def gradients_are_fine(model):
    for name, weight in model.named_parameters():
        if torch.isnan(weight.grad).any() or torch.isinf(weight.grad).any():  # hot
            return False
    return True
# slow: one condition, in the training loop
import torch

def train(model, batches, optimizer):
    for x in batches:
        model(x).backward()
        for p in model.parameters():
            if not torch.isfinite(p.grad).all():  # hot
                raise RuntimeError("bad gradient")
        optimizer.step()
# exempt: now and then
# known: step=True
import torch

def train(model, batches, optimizer):
    for step, x in enumerate(batches):
        model(x).backward()
        if step % 100 == 0:
            for p in model.parameters():
                if not torch.isfinite(p.grad).all():  # hot
                    raise RuntimeError("bad gradient")
        optimizer.step()
# exempt: one norm for all
# known: step=True
import torch

def train(model, batches, optimizer):
    for x in batches:
        model(x).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(norm):  # hot
            optimizer.step()
# exempt: nothing is read
# known: step=True
def train(model, batches):
    for x in batches:
        model(x).backward()
        for p in model.parameters():
            if p.grad is not None:
                p.grad.mul_(0.5)  # hot
