# slow
# below: backward torch/_tensor.py, recompute_fn torch/utils/checkpoint.py
# known: memory=0.4
def train(loss):
    loss.backward()  # hot
# exempt: memory is tight
# below: backward torch/_tensor.py, recompute_fn torch/utils/checkpoint.py
# known: memory=0.9
def train(loss):
    loss.backward()  # hot
