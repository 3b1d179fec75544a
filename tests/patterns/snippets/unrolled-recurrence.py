# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/rnn.py
from torch import nn

class Model(nn.Module):
    def __init__(self):
        self.cell = nn.LSTMCell(8, 8)

    def forward(self, x, state):
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)  # hot
        return state
# exempt: its own output is the next input
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/rnn.py
from torch import nn

class Model(nn.Module):
    def __init__(self):
        self.cell = nn.GRUCell(8, 8)

    def forward(self, word, state):
        for t in range(50):
            state = self.cell(word, state)  # hot
            word = self.pick(state)
        return state
