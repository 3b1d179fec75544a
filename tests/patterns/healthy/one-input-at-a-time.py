# healthy pictures of any size go through the model alone
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
import torch
from torchvision.io import read_image

def segment(model, paths):
    out = {}
    for path in paths:
        image = read_image(path)
        out[path] = model(image.unsqueeze(0))  # hot
    return out
# healthy volumes that take long each
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
# known: seconds_each=0.8
import torch

def predict(model, volumes):
    return [model(volume[None]) for volume in volumes]  # hot
# healthy somebody types the texts
# below: __call__ spacy/language.py
import spacy

nlp = spacy.load("en_core_web_sm")
while True:
    doc = nlp(input("> "))  # hot
    print(doc.ents)
# healthy the pipeline gets the sentences of a page
# below: __call__ transformers/pipelines/text_classification.py, __call__ transformers/pipelines/base.py
from transformers import pipeline

pipe = pipeline("text-classification")
def score(pages):
    for page in pages:
        sentences = split(page)
        scores = pipe(sentences, batch_size=32)  # hot
        use(scores)
# healthy the encoder gets the sentences of a document
# below: encode sentence_transformers/SentenceTransformer.py
def vectors(encoder, documents):
    for document in documents:
        store(encoder.encode(document.sentences))  # hot
# healthy texts come from a stream
# below: __call__ spacy/language.py
import spacy
from kafka import KafkaConsumer

nlp = spacy.load("en_core_web_sm")
for message in KafkaConsumer("texts"):
    store(nlp(message.value))  # hot
# healthy books
# below: __call__ spacy/language.py
# known: seconds_each=3.0
import spacy
nlp = spacy.load("en_core_web_trf")
for path in books:
    doc = nlp(path.read_text())  # hot
# healthy one picture is optimized
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
import torch

def stylise(model, image, steps):
    image = image.requires_grad_()
    opt = torch.optim.LBFGS([image])
    for step in range(steps):
        loss = style(model(image.unsqueeze(0)))  # hot
        loss.backward()
        opt.step()
