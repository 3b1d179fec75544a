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
