# slow
# below: roc_auc_score sklearn/metrics/_ranking.py
# known: step=True
def train(loader, model):
    for x, y in loader:
        score = roc_auc_score(y, model(x))  # hot
# exempt: validation
# below: roc_auc_score sklearn/metrics/_ranking.py
# known: step=True evaluating=True
def validate(loader, model):
    for x, y in loader:
        score = roc_auc_score(y, model(x))  # hot
