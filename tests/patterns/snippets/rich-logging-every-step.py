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
# slow
# below: image train.py, save PIL/Image.py, _save PIL/PngImagePlugin.py
# known: step=True
import io
from PIL import Image

class RunLogger:
    def image(self, tag, grid, step):
        buffer = io.BytesIO()
        Image.fromarray(grid).resize((64, 64)).save(buffer, format="PNG")
        self.file.write(buffer.getvalue())

def on_step_end(log, grid, step):
    log.image("inputs", grid, step)  # hot

for step, batch in enumerate(loader):
    on_step_end(log, batch, step)
# exempt: a caller does so every hundredth step
# below: image train.py, save PIL/Image.py, _save PIL/PngImagePlugin.py
# known: step=True
import io
from PIL import Image

class RunLogger:
    def image(self, tag, grid, step):
        buffer = io.BytesIO()
        Image.fromarray(grid).resize((64, 64)).save(buffer, format="PNG")
        self.file.write(buffer.getvalue())

def on_step_end(log, grid, step):
    log.image("inputs", grid, step)  # hot

for step, batch in enumerate(loader):
    if step % 100 == 0:
        on_step_end(log, batch, step)  # caller
# exempt: a line of text
# below: scalar train.py, dumps json/__init__.py
# known: step=True
import json

class RunLogger:
    def scalar(self, tag, value, step):
        self.file.write(json.dumps({tag: value, "step": step}))

def on_step_end(log, loss, step):
    log.scalar("loss", loss.item(), step)  # hot
