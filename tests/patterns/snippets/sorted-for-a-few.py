# slow
import numpy as np

def recommend(scores, k):
    out = []
    for row in scores:
        out.append(np.argsort(-row)[:k])  # hot
    return out
# slow: through a name, from the end
import numpy as np

def best(users, items):
    for user in users:
        order = np.argsort(items @ user)  # hot
        yield order[-10:][::-1]
# exempt: all of them are used
import numpy as np

def ranks(scores):
    for row in scores:
        order = np.argsort(row)  # hot
        yield order, order[:10]
# exempt: all but the first
import numpy as np

def rest(scores):
    for row in scores:
        yield np.sort(row)[1:]  # hot
