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
