# slow
# below: add_histogram torch/utils/tensorboard/writer.py
# known: step=True
def train(loader, writer, model):
    for step, batch in enumerate(loader):
        writer.add_histogram("weights", model.weight, step)  # hot
# exempt: a number
# below: add_scalar torch/utils/tensorboard/writer.py
# known: step=True
def train(loader, writer, model):
    for step, batch in enumerate(loader):
        writer.add_scalar("loss", model(batch), step)  # hot
