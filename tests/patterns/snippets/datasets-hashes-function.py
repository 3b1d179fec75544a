# slow
# below: wrapper datasets/arrow_dataset.py, map datasets/arrow_dataset.py, update_fingerprint datasets/fingerprint.py, hash datasets/fingerprint.py, save_function dill/_dill.py
def score_part(part, lexicon):
    def score(batch):
        return {"mean": [mean(lexicon, text) for text in batch["text"]]}

    return part.map(score, batched=True)  # hot
# exempt: the function takes the time
# below: wrapper datasets/arrow_dataset.py, map datasets/arrow_dataset.py, apply_function datasets/arrow_dataset.py, score score.py
def score_part(part, lexicon):
    def score(batch):
        return {"mean": [mean(lexicon, text) for text in batch["text"]]}

    return part.map(score, batched=True)  # hot
