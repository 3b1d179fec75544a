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
