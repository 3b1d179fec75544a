# slow
# below: fromarray PIL/Image.py, frombuffer PIL/Image.py
# known: loading=True
from PIL import Image

class Digits:
    def __getitem__(self, index):
        image = Image.fromarray(self.images[index])  # hot
        return self.transform(image)
# exempt: not a sample
# below: fromarray PIL/Image.py
from PIL import Image

def save(array, path):
    Image.fromarray(array).save(path)  # hot
# slow: the steps are handed to a chain
# below: __call__ train.py, to_tensor train.py
# known: loading=True
import numpy as np
import torch
from PIL import Image

def to_tensor(picture):
    return torch.from_numpy(np.array(picture)).float()

class Patches:
    def __init__(self, arrays):
        self.arrays = arrays
        self.transform = Compose(Image.fromarray, to_tensor)

    def __getitem__(self, index):
        return self.transform(self.arrays[index])  # hot
# exempt: the chain does something else
# below: __call__ train.py, sharpen train.py
# known: loading=True
from PIL import Image

def sharpen(picture):
    return picture ** 2

class Patches:
    def __init__(self, arrays):
        self.arrays = arrays
        self.transform = Compose(sharpen, Image.fromarray)

    def __getitem__(self, index):
        return self.transform(self.arrays[index])  # hot
