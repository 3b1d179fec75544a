# healthy three lists are joined
def flat(a, b, c):
    return sum([a, b, c], [])  # hot
# healthy each version is handed on
def versions(events):
    state = {}
    for event in events:
        state = {**state, event.key: event.value}
        yield state  # hot
# healthy the best way into each state
def viterbi(obs, states, start, trans, emit):
    V = [{s: start[s] * emit[s][obs[0]] for s in states}]
    for t in range(1, len(obs)):
        V.append({s: max(V[t - 1][p] * trans[p][s] for p in states) * emit[s][obs[t]] for s in states})  # hot
    return V
# healthy fifty parts of a dict
# known: passes=50
def build(parts):
    out = {}
    for part in parts:
        out = {**out, **part}  # hot
    return out
# healthy a short way back
def path(parents, node):
    out = []
    while node is not None:
        out.insert(0, node)  # hot
        node = parents[node]
    return out
# healthy a model that learns from each row
# below: predict sklearn/linear_model/_base.py
from sklearn.linear_model import SGDClassifier
def online(stream):
    model = SGDClassifier()
    right = 0
    for x, y in stream:
        right += model.predict([x])[0] == y  # hot
        model.partial_fit([x], [y])
# healthy a forecast that feeds on itself
# below: predict sklearn/ensemble/_forest.py
def forecast(model, history, n):
    for _ in range(n):
        y = model.predict([history[-24:]])[0]  # hot
        history.append(y)
    return history
# healthy each row of a table comes out of the last one
def lcs(a, b):
    prev = [0] * (len(b) + 1)
    for x in a:
        row = [0]
        for j, y in enumerate(b, 1):
            row.append(prev[j - 1] + 1 if x == y else max(prev[j], row[-1]))  # hot
        prev = row
    return prev[-1]
# healthy each call has sets of its own
def place(row, n, columns, d1, d2):
    if row == n:
        return 1
    total = 0
    for c in range(n):
        if c not in columns and row - c not in d1 and row + c not in d2:
            total += place(row + 1, n, columns | {c}, d1 | {row - c}, d2 | {row + c})  # hot
    return total
# healthy a scaler for each fold
# below: fit sklearn/preprocessing/_data.py
from sklearn.preprocessing import StandardScaler
def folds(x, splits):
    for train, test in splits:
        scaler = StandardScaler().fit(x[train])  # hot
        yield scaler.transform(x[test])
