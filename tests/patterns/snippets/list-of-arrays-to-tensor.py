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
# slow
import random
import torch

class Memory:
    def sample(self, size):
        state, action, reward = zip(*random.sample(self.buffer, size))
        return torch.tensor(state, dtype=torch.float32), action  # hot
# exempt: single numbers
import random
import torch

class Memory:
    def sample(self, size):
        states, actions, rewards = zip(*random.sample(self.buffer, size))
        rewards = torch.tensor(rewards)  # hot
        return rewards
# exempt: stacked on the way
import numpy as np
import torch

def sample(batch):
    states, rewards = map(np.stack, zip(*batch))
    return torch.tensor(states)  # hot
# slow
import numpy as np
import torch
from torch.utils.data import Dataset

class Windows(Dataset):
    def __init__(self, series, width):
        self.series, self.width = series, width

    def __getitem__(self, index):
        window = self.series[index : index + self.width]
        return {"x": window, "y": float(window[-1, 0])}

def collate(samples):
    return torch.tensor([sample["x"] for sample in samples])  # hot

windows = Windows(np.random.default_rng(0).standard_normal((9000, 16)).cumsum(0), 96)
# exempt: one number of each sample
import numpy as np
import torch
from torch.utils.data import Dataset

class Windows(Dataset):
    def __init__(self, series, width):
        self.series, self.width = series, width

    def __getitem__(self, index):
        window = self.series[index : index + self.width]
        return {"x": window, "y": window[-1]}

def collate(samples):
    return torch.tensor([sample["y"] for sample in samples])  # hot

windows = Windows(np.random.default_rng(0).standard_normal(9000), 96)
# slow: handed over by the caller
import random
import torch
from collections import namedtuple

Transition = namedtuple("Transition", "state action")

class Memory:
    def __init__(self):
        self.kept = []

    def sample(self, size):
        return Transition(*zip(*random.sample(self.kept, size)))

class Agent:
    def learn(self, batch):
        return torch.tensor(batch.state, dtype=torch.float32).to("cuda")  # hot

def main(agent):
    memory = Memory()
    agent.learn(memory.sample(64))
