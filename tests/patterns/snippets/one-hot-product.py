# slow
import torch.nn.functional as F

def forward(self, words):
    rows = F.one_hot(words, 50_000).float()
    return rows @ self.table  # hot
# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
import torch.nn.functional as F

def forward(self, words):
    return self.linear(F.one_hot(words, self.size).float())  # hot
# exempt: the labels of a loss
import torch.nn.functional as F

def loss(scores, labels):
    soft = F.one_hot(labels, 10).float()
    return -(soft * scores).sum()  # hot
