"""Hugging Face's Trainer on a small language model."""

import sys
import tempfile
import time

import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

DELAY, COUNTED = float(sys.argv[1]), int(sys.argv[2])


class Text(Dataset):
    def __len__(self):
        return 480

    def __getitem__(self, index):
        if DELAY:
            time.sleep(DELAY / 8)
        words = torch.randint(0, 500, (32,))
        return {"input_ids": words, "labels": words}


class Counts(TrainerCallback):
    def on_step_end(self, args, state, control, **others):
        counts = [0] * 10
        for number in range(COUNTED):
            counts[number % 10] += 1  # slow Python


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=500, n_positions=32, n_embd=64, n_layer=3, n_head=2))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=8,
            num_train_epochs=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        Trainer(model, arguments, train_dataset=Text(), callbacks=[Counts()]).train()  # the cause


main()
