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
