# slow
# known: cores=1.0 body=0.95
# below: map datasets/arrow_dataset.py, _map_single datasets/arrow_dataset.py, features work.py
from datasets import load_dataset

def main():
    data = load_dataset("audio")
    return data.map(features, batched=True)  # hot
# exempt: several processes
# known: cores=1.0 body=0.95
# below: map datasets/arrow_dataset.py, _map_single datasets/arrow_dataset.py, features work.py
from datasets import load_dataset

def main():
    data = load_dataset("audio")
    return data.map(features, batched=True, num_proc=4)  # hot
# exempt: a model computes
# known: cores=1.0 body=0.95
# below: map datasets/arrow_dataset.py, _map_single datasets/arrow_dataset.py, features work.py, _call_impl torch/nn/modules/module.py
from datasets import load_dataset

def main():
    data = load_dataset("audio")
    return data.map(features, batched=True)  # hot
