# slow
# below: backward torch/_tensor.py
def train(model, windows):
    state = None
    for window, target in windows:
        prediction, state = model(window, state)
        loss = (prediction - target).square().mean()
        loss.backward(retain_graph=True)  # hot
# slow: another branch detaches
# below: backward torch/_tensor.py
def train(model, windows, fixed):
    state = None
    for window, target in windows:
        prediction, state = model(window, state)
        loss = (prediction - target).square().mean()
        if fixed:
            loss.backward()
            state = state.detach()
        else:
            loss.backward(retain_graph=True)  # hot
# exempt: detached
# below: backward torch/_tensor.py
def train(model, windows):
    state = None
    for window, target in windows:
        prediction, state = model(window, state)
        (prediction - target).square().mean().backward(retain_graph=True)  # hot
        state = state.detach()
# exempt: two losses of one step
# below: backward torch/_tensor.py
def train(generator, critic, loader):
    for x in loader:
        made = generator(x)
        critic(made).mean().backward(retain_graph=True)  # hot
# slow: the module keeps its state
# below: backward torch/_tensor.py
class Memory:
    def forward(self, x):
        out, self.h = self.cell(x, self.h)
        return out

def train(model, windows):
    for window, target in windows:
        (model(window) - target).square().mean().backward(retain_graph=True)  # hot
# slow: the losses are added up
# below: backward torch/_tensor.py
def train(model, windows):
    total = 0.0
    for window, target in windows:
        total += (model(window) - target).square().mean()
        total.backward(retain_graph=True)  # hot
# exempt: the sum begins anew
# below: backward torch/_tensor.py
def train(model, windows):
    for parts in windows:
        total = 0.0
        for part in parts:
            total += model(part)
        total.backward(retain_graph=True)  # hot
# slow: the module keeps a mean of what it is given
# below: backward torch/_tensor.py
class Center:
    def forward(self, features):
        self.mean = 0.9 * self.mean + 0.1 * features.mean(dim=0)
        return (features - self.mean).square().mean()

def train(model, windows):
    for window in windows:
        model(window).backward(retain_graph=True)  # hot
# exempt: the module keeps a plain number
# below: backward torch/_tensor.py
class Center:
    def forward(self, features):
        self.mean = 0.9 * self.mean + 0.1 * features.mean().item()
        return (features - self.mean).square().mean()

def train(model, windows):
    for window in windows:
        model(window).backward(retain_graph=True)  # hot
