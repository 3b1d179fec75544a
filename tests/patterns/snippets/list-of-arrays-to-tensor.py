# slow
import numpy as np
import torch

def collate(samples):
    images = []
    for sample in samples:
        images.append(np.asarray(sample.image, dtype=np.float32))
    return torch.tensor(images)  # hot
# slow
import numpy as np
import torch

def batch(paths):
    arrays = [np.load(path) for path in paths]
    return torch.as_tensor(arrays)  # hot
# exempt: stacked first
import numpy as np
import torch

def batch(paths):
    arrays = np.stack([np.load(path) for path in paths])
    return torch.tensor(arrays)  # hot
# exempt: a list of numbers
import numpy as np
import torch

def means(parts):
    found = [np.mean(part) for part in parts]
    return torch.tensor(found)  # hot
# exempt: labels
import torch

def labels(samples):
    return torch.tensor([sample.label for sample in samples])  # hot
