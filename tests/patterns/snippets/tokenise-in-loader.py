# slow
# below: __call__ transformers/tokenization_utils_base.py, _encode_plus transformers/tokenization_utils_tokenizers.py
# known: loading=True
class Reviews:
    def __getitem__(self, index):
        ids = self.tokenizer(self.texts[index], truncation=True)  # hot
        return ids, self.labels[index]
# exempt: before the training
# below: __call__ transformers/tokenization_utils_base.py, _encode_plus transformers/tokenization_utils_tokenizers.py
def prepare(tokenizer, texts):
    return tokenizer(texts, truncation=True)  # hot
