# slow
# below: decode transformers/tokenization_utils_base.py, _decode transformers/tokenization_utils_tokenizers.py
def stream(model, tokenizer, ids):
    made = []
    while len(made) < 4000:
        made.append(model.next(ids + made))
        text = tokenizer.decode(made)  # hot
        yield text
# exempt: a window
# below: decode transformers/tokenization_utils_base.py
def stream(model, tokenizer, ids):
    made = []
    while len(made) < 4000:
        made.append(model.next(ids + made))
        yield tokenizer.decode(made[-8:])  # hot
# exempt: one text each
# below: decode transformers/tokenization_utils_base.py
def texts(tokenizer, outputs):
    for ids in outputs:
        yield tokenizer.decode(ids)  # hot
# slow: an object was given a tokenizer of the tokenizers library
from tokenizers import Tokenizer

def trained():
    tokenizer = Tokenizer(BPE())
    tokenizer.train_from_iterator(LINES, TRAINER)
    return tokenizer

class Generator:
    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer

    def stream(self, prompt, count):
        ids = self.tokenizer.encode(prompt).ids
        for _ in range(count):
            ids.append(self.model.next_id(ids[-1]))
            yield self.tokenizer.decode(ids, skip_special_tokens=True)  # hot

def main():
    generator = Generator(MODEL, trained())
    return "".join(generator.stream("once", 9000))
# exempt: an object of the user's own decodes
class Generator:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def stream(self, count):
        ids = []
        for _ in range(count):
            ids.append(len(ids))
            yield self.tokenizer.decode(ids)  # hot

def main():
    return list(Generator(Toy()).stream(9000))
