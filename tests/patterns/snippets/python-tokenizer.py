# slow
# below: __call__ transformers/tokenization_utils_base.py, _encode_plus transformers/tokenization_python.py, get_input_ids transformers/tokenization_python.py
def prepare(tokenizer, texts):
    return tokenizer(texts)  # hot
# slow: in a loader
# below: __call__ transformers/tokenization_utils_base.py, _encode_plus transformers/tokenization_python.py, tokenize transformers/tokenization_python.py
# known: loading=True
class Texts:
    def __getitem__(self, index):
        return self.tokenizer(self.texts[index])  # hot
# exempt: the fast one
# below: __call__ transformers/tokenization_utils_base.py, _encode_plus transformers/tokenization_utils_tokenizers.py
def prepare(tokenizer, texts):
    return tokenizer(texts)  # hot
