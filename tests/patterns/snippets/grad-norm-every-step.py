# slow
# known: step=True
def gradient_norm(model):
    total = 0.0
    for p in model.parameters():
        total += p.grad.norm().item() ** 2  # hot
    return total ** 0.5
# exempt: no parameters
# known: step=True
def norm(items):
    total = 0.0
    for p in items:
        total += p.grad.norm().item() ** 2  # hot
    return total
# slow: in a name, in a comprehension
# known: step=True
def train(model, batches):
    params = list(model.parameters())
    for x in batches:
        model(x).backward()
        norms = [p.grad.norm().item() for p in params]  # hot
# exempt: in no step
def report(model):
    return [p.grad.norm().item() for p in model.parameters()]  # hot
