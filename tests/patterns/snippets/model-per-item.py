# slow
# below: __call__ spacy/language.py, predict thinc/model.py
import spacy

nlp = spacy.load("en_core_web_sm")

def entities(texts):
    for text in texts:
        doc = nlp(text)  # hot
# slow
# below: encode sentence_transformers/SentenceTransformer.py
def vectors(encoder, notes):
    return [encoder.encode(note) for note in notes]  # hot
# exempt: a batch
# below: encode sentence_transformers/SentenceTransformer.py
def vectors(encoder, batches):
    return [encoder.encode(batch) for batch in batches]  # hot
# exempt: a pipe
# below: pipe spacy/language.py
import spacy

nlp = spacy.load("en_core_web_sm")

def entities(texts):
    for doc in nlp.pipe(texts):  # hot
        use(doc)
# slow: a module of one's own
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py, forward job.py
import torch

class Classifier:
    @torch.inference_mode()
    def predict(self, text):
        scores = self.model(ids(text).unsqueeze(0))  # hot
        return float(scores.softmax(-1)[0, 1])

    def predict_all(self, reviews):
        return {number: self.predict(text) for number, text in reviews.items()}  # caller
# exempt: the next input follows from the answer
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py, forward job.py
import torch

def play(model, game):
    state = game.reset()
    for _ in range(1000):
        action = model(state.unsqueeze(0)).argmax()  # hot
        state = game.step(action)
# exempt: it learns after each item
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py, forward job.py
import torch

def train(model, optimizer, items):
    for x, y in items:
        loss = loss_of(model(x.unsqueeze(0)), y)  # hot
        loss.backward()
        optimizer.step()
# exempt: batches
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py, forward job.py
import torch

def predict_all(model, loader):
    return [model(batch) for batch in loader]  # hot
# slow: targets of a replay buffer, without gradients
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
import random
import torch

class Agent:
    def replay(self, size):
        targets = []
        for state, reward, following in random.sample(self.memory, size):
            with torch.no_grad():
                best = self.model(torch.from_numpy(following).unsqueeze(0)).max()  # hot
            targets.append(reward + 0.9 * best.item())
        loss = self.loss(self.model(torch.stack(self.states)), torch.tensor(targets))
        loss.backward()
