"""Lightning's Trainer, with a validation loop."""

import sys
import time

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DELAY, COUNTED = float(sys.argv[1]), int(sys.argv[2])


class Noise(Dataset):
    def __len__(self):
        return 960

    def __getitem__(self, index):
        if DELAY:
            time.sleep(DELAY / 32)
        return torch.randn(512), index % 10


class Counts(lightning.Callback):
    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        counts = [0] * 10
        for number in range(COUNTED):
            counts[number % 10] += 1  # slow Python


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        layers = [layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())]
        self.net = nn.Sequential(*layers, nn.Linear(512, 10))

    def training_step(self, batch, index):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def validation_step(self, batch, index):
        x, y = batch
        self.log("loss", nn.functional.cross_entropy(self.net(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())


def main():
    lightning.seed_everything(0)
    torch.set_num_threads(1)
    train = DataLoader(Noise(), batch_size=32)  # the cause
    valid = DataLoader([(torch.randn(512), 0)] * 64, batch_size=32)
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", callbacks=[Counts()], num_sanity_val_steps=0, **quiet)
    trainer.fit(Classifier(), train, valid)


main()
