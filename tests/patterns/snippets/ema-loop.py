# slow
# known: device=cuda step=True
def update(average, model, decay):
    for a, p in zip(average.parameters(), model.parameters()):
        a.mul_(decay).add_(p, alpha=1 - decay)  # hot
# exempt: on the CPU
# known: device=cpu step=True
def update(average, model, decay):
    for a, p in zip(average.parameters(), model.parameters()):
        a.mul_(decay).add_(p, alpha=1 - decay)  # hot
