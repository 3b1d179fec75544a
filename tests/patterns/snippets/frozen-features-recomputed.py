# slow: in the loop
# known: step=True
from torch import nn

def train(backbone, head, loader, optimizer, criterion):
    for parameter in backbone.parameters():
        parameter.requires_grad = False
    for epoch in range(20):
        for images, labels in loader:
            images = images.to("cuda")
            features = backbone(images)  # hot
            loss = criterion(head(features), labels)
            loss.backward()
            optimizer.step()
# slow: in forward
# known: step=True
from torch import nn

class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.encoder.requires_grad_(False)
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        return self.head(self.encoder(x))  # hot

def train(model, loader, optimizer, criterion, epochs):
    for epoch in range(epochs):
        for x, y in loader:
            loss = criterion(model(x), y)  # caller
            loss.backward()
            optimizer.step()
# exempt: augmented
# known: step=True
from torchvision import transforms

pipeline = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()])

def train(backbone, head, loader, optimizer, criterion):
    backbone.requires_grad_(False)
    for epoch in range(20):
        for images, labels in loader:
            loss = criterion(head(backbone(images)), labels)  # hot
            loss.backward()
            optimizer.step()
# exempt: a layer that learns stands before it
# known: step=True
def train(stem, backbone, loader, optimizer, criterion):
    backbone.requires_grad_(False)
    for epoch in range(20):
        for images, labels in loader:
            x = stem(images)
            loss = criterion(backbone(x), labels)  # hot
            loss.backward()
            optimizer.step()
# exempt: it follows the model
# known: step=True
def train(model, target, loader, optimizer, criterion):
    for parameter in target.parameters():
        parameter.requires_grad = False
    for epoch in range(20):
        for x, y in loader:
            wanted = target(x)  # hot
            loss = criterion(model(x), wanted)
            loss.backward()
            optimizer.step()
        target.load_state_dict(model.state_dict())
# exempt: it learns
# known: step=True
def train(backbone, head, loader, optimizer, criterion):
    for epoch in range(20):
        for x, y in loader:
            loss = criterion(head(backbone(x)), y)  # hot
            loss.backward()
            optimizer.step()
# exempt: an adapter inside a model that learns
# known: step=True
from torch import nn

class Adapter(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base
        self.base.requires_grad_(False)
        self.down = nn.Linear(512, 8)

    def forward(self, x):
        return self.base(x) + self.down(x)  # hot

class Model(nn.Module):
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)  # caller
        return x

def train(model, loader, optimizer):
    for epoch in range(3):
        for x, y in loader:
            loss = model(x).sum()
            loss.backward()
            optimizer.step()
# slow: without gradients, and the optimizer has the head alone
# known: step=True
import torch

def train(bert, head, loader, criterion):
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for epoch in range(10):
        for batch in loader:
            with torch.no_grad():
                out = bert(input_ids=batch["input_ids"], attention_mask=batch["mask"])  # hot
            loss = criterion(head(out.last_hidden_state[:, 0]), batch["labels"])
            loss.backward()
            optimizer.step()
# exempt: the generator learns in another step
# known: step=True
import torch

def train(generator, critic, loader, criterion):
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-4)
    optimizer_c = torch.optim.Adam(critic.parameters(), lr=1e-4)
    for epoch in range(10):
        for images, noise_ in loader:
            with torch.no_grad():
                fake = generator(images)  # hot
            loss = criterion(critic(fake))
            loss.backward()
            optimizer_c.step()
# slow: through a method of the model, with a mask of the batch
# known: step=True
import torch
from torch import nn

class Router(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        for parameter in self.encoder.parameters():
            parameter.requires_grad = False
        self.head = nn.Linear(256, 5)

    def embed(self, ids):
        mask = (ids != 0).long()
        return self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state  # hot

    def forward(self, ids):
        with torch.no_grad():
            features = self.embed(ids)  # caller
        return self.head(features)

def train(model, loader, optimizer, criterion, epochs):
    for epoch in range(epochs):
        for ids, labels in loader:
            logits = model(ids)  # caller
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
# exempt: a prompt that learns stands before it
# known: step=True
from torch import nn

class Prompted(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.prompt = nn.Parameter(torch.zeros(8))

    def embed(self, x):
        prompted = x + self.prompt
        return self.encoder(prompted)  # hot

    def forward(self, x):
        return self.embed(x)  # caller

def train(model, loader, optimizer, criterion, epochs):
    for epoch in range(epochs):
        for x, labels in loader:
            loss = criterion(model(x), labels)  # caller
            loss.backward()
            optimizer.step()
