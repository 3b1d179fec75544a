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
# exempt: labels made soft
import torch.nn.functional as F

def mix(targets, table, smooth):
    soft = F.one_hot(targets, 50).float() * (1 - smooth) + smooth / 50
    return soft @ table  # hot
# exempt: mixed labels
import torch.nn.functional as F

def mix(targets, other, share, table):
    rows = F.one_hot(targets, 50).float()
    rows = share * rows + (1 - share) * F.one_hot(other, 50).float()
    return rows @ table  # hot
# exempt: a loss of one-hot labels
import torch.nn.functional as F

def loss(scores, labels):
    return F.binary_cross_entropy_with_logits(F.one_hot(labels, 10).float(), scores)  # hot
