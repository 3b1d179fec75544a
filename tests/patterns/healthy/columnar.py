# healthy
import jax
import polars as pl

def sums(path):
    return pl.scan_parquet(path).group_by("user").agg(pl.col("bytes").sum()).collect()

def train(update, state, batches):
    step = jax.jit(update)
    for batch in batches:
        state = step(state, batch)
    return jax.block_until_ready(state)
