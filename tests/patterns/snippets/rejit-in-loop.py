# slow
# below: cache_miss jax/_src/pjit.py, compile_or_get_cached jax/_src/compiler.py
import jax

def train(params, batches, rate):
    for x in batches:
        step = jax.jit(lambda p: update(p, x, rate))
        params = step(params)  # hot
# exempt: jitted once
# below: cache_miss jax/_src/pjit.py, compile_or_get_cached jax/_src/compiler.py
import jax

def train(params, batches):
    step = jax.jit(lambda p, x: update(p, x))
    for x in batches:
        params = step(params, x)  # hot
# slow
import torch

def damped(frequency, decay):
    def wave(t):
        return torch.sin(frequency * t) * torch.exp(-decay * t)
    return wave

class Fitter:
    def score(self, frequency, decay):
        traced = torch.jit.trace(damped(frequency, decay), (self.t,))
        return (traced(self.t) - self.target).square().mean().item()  # hot

    def search(self, grid):
        return min(grid, key=lambda pair: pair)[0], [self.score(f, d) for f, d in grid]
# slow
# below: trace torch/jit/_trace.py, _trace_impl torch/jit/_trace.py
import torch

def search(t, rates):
    for rate in rates:
        def wave(t):
            return torch.sin(rate * t)
        traced = torch.jit.trace(wave, (t,))  # hot
# exempt: traced once, by a constructor
# below: trace torch/jit/_trace.py, _trace_impl torch/jit/_trace.py
import torch

class Model:
    def __init__(self, net, example):
        self.net = torch.jit.trace(net, example)  # hot
# exempt: traced before the loop
import torch

def score(batches, rate):
    traced = torch.jit.trace(lambda x: torch.sin(rate * x), (batches[0],))
    for batch in batches:
        print(traced(batch))  # hot
