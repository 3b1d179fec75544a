# slow
# known: handler=True off_cpu=True
import threading

LOCK = threading.Lock()

def predict(item):
    with LOCK:  # hot
        image = decode(item.data)
        scores = model(image)
        return make_answer(scores)
# exempt: the model alone
# known: handler=True off_cpu=True
import threading

LOCK = threading.Lock()

def predict(item):
    image = decode(item.data)
    with LOCK:  # hot
        scores = model(image)
    return make_answer(scores)
