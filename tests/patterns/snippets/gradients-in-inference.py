# slow
# known: handler=True
# below: _wrapped_call_impl /site-packages/torch/nn/modules/module.py, forward /site-packages/torch/nn/modules/container.py
import torch

def predict(body):
    return model(torch.tensor(body["x"])).tolist()  # hot
# exempt: under inference mode
# known: handler=True
# below: _wrapped_call_impl /site-packages/torch/nn/modules/module.py, forward /site-packages/torch/nn/modules/container.py
import torch

@torch.inference_mode()
def predict(body):
    return model(torch.tensor(body["x"])).tolist()  # hot
# exempt: gradients are what is asked for
# known: handler=True
# below: _wrapped_call_impl /site-packages/torch/nn/modules/module.py, forward /site-packages/torch/nn/modules/container.py
import torch

def explain(body):
    x = torch.tensor(body["x"], requires_grad=True)
    y = model(x)  # hot
    return torch.autograd.grad(y, x)
# exempt: outside of a server
# below: _wrapped_call_impl /site-packages/torch/nn/modules/module.py, forward /site-packages/torch/nn/modules/container.py
import torch

def run(batches):
    for x in batches:
        y = model(x)  # hot
