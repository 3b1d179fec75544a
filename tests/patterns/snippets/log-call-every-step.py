# slow
# below: set_postfix tqdm/std.py, refresh tqdm/std.py
# known: step=True
from tqdm import tqdm

def train(loader, model):
    bar = tqdm(loader)
    for batch in bar:
        bar.set_postfix(loss=model(batch))  # hot
# exempt: not refreshed
# below: set_postfix tqdm/std.py
# known: step=True
from tqdm import tqdm

def train(loader, model):
    bar = tqdm(loader)
    for batch in bar:
        bar.set_postfix(loss=model(batch), refresh=False)  # hot
