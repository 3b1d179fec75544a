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
