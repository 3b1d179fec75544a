# slow
# below: __iter__ tqdm/std.py, update tqdm/std.py, refresh tqdm/std.py, display tqdm/std.py, format_meter tqdm/std.py
from tqdm import tqdm

def work(items):
    for item in tqdm(items, mininterval=0):  # hot
        use(item)
# slow
# below: set_postfix tqdm/std.py, refresh tqdm/std.py, display tqdm/std.py
from tqdm import tqdm

def work(items):
    bar = tqdm(items)
    for item in bar:
        bar.set_postfix(item=item)  # hot
# exempt: the bar keeps its pace
# below: __iter__ tqdm/std.py
from tqdm import tqdm

def work(items):
    for item in tqdm(items):  # hot
        use(item)
