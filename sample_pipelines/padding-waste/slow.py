"""Trains a small transformer to tell two kinds of sentences apart; each batch is padded to its longest sentence."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

WORDS, BATCH = 5000, 16


class Sentences(Dataset):
    def __init__(self, count):
        lengths = (torch.randn(count) * 0.7 + 3.4).exp().clamp(6, 200).int().tolist()
        self.sentences = [torch.randint(1, WORDS, (length,)) for length in lengths]

    def __len__(self):
        return len(self.sentences)

    def __getitem__(self, index):
        return self.sentences[index], self.sentences[index].sum() % 2


def collate(samples):
    sentences, labels = zip(*samples)
    return pad_sequence(sentences, batch_first=True), torch.stack(labels)


class Classifier(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.words = nn.Embedding(WORDS, width, padding_idx=0)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        padding = x == 0
        hidden = self.encoder(self.words(x), src_key_padding_mask=padding)
        return self.head(hidden.masked_fill(padding[..., None], 0).sum(1))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Sentences(1600), batch_size=BATCH, shuffle=True, collate_fn=collate)  # planted
    model = Classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
