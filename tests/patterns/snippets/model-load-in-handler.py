# slow
# below: load torch/serialization.py, _load torch/serialization.py
# known: handler=True
import torch

@app.post("/predict")
def predict(item):
    model = torch.load("model.pt", weights_only=False)  # hot
    return model(item.rows)
# slow
# below: from_pretrained transformers/models/auto/tokenization_auto.py
# known: handler=True
from transformers import AutoTokenizer

def predict(text):
    tokenizer = AutoTokenizer.from_pretrained("base")  # hot
    return tokenizer(text)
# exempt: cached
# below: load torch/serialization.py
# known: handler=True
import functools
import torch

@functools.lru_cache(maxsize=1)
def model():
    return torch.load("model.pt")  # hot
# exempt: the first request only
# below: load torch/serialization.py
# known: handler=True
import torch

class Service:
    def predict(self, item):
        if self.model is None:
            self.model = torch.load("model.pt")  # hot
        return self.model(item)
# exempt: at start-up
# below: load torch/serialization.py
import torch

model = torch.load("model.pt")  # hot
