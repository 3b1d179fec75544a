# slow
import gc

def train(loader):
    for batch in loader:
        fit(batch)
        gc.collect()  # hot
# exempt: planned
import gc

def train(loader):
    gc.disable()
    for batch in loader:
        fit(batch)
        gc.collect()  # hot
# exempt: once per epoch
import gc

def main(loader):
    for step, batch in enumerate(loader):
        if step % 500 == 0:
            gc.collect()  # hot
