# slow
# below: all_reduce torch/distributed/distributed_c10d.py
# known: step=True ranks=4
import torch.distributed as dist

def train(loader, model):
    for batch in loader:
        loss = model(batch)
        dist.all_reduce(loss)  # hot
# exempt: the gradients
# below: all_reduce torch/distributed/distributed_c10d.py
# known: step=True ranks=4
import torch.distributed as dist

def average(model):
    for p in model.parameters():
        dist.all_reduce(p.grad)  # hot
