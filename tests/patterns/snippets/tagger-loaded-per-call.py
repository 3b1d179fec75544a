# slow
# below: pos_tag nltk/tag/__init__.py, _get_tagger nltk/tag/__init__.py, __init__ nltk/tag/perceptron.py, load nltk/tag/perceptron.py
import nltk

def tags(sentences):
    return [nltk.pos_tag(words) for words in sentences]  # hot
# exempt: it is there already
# below: pos_tag nltk/tag/__init__.py, _pos_tag nltk/tag/__init__.py, tag nltk/tag/perceptron.py
import nltk

def tags(sentences):
    return [nltk.pos_tag(words) for words in sentences]  # hot
