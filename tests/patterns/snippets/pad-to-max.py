# slow
# known: fill=0.4
def encode(tokenizer, texts):
    return tokenizer(texts, padding="max_length", max_length=512)  # hot
# exempt: nearly full
# known: fill=0.9
def encode(tokenizer, texts):
    return tokenizer(texts, padding="max_length", max_length=512)  # hot
