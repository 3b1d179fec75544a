# slow
# known: cores=1.0
# below: differential_evolution scipy/optimize/_differentialevolution.py, solve scipy/optimize/_differentialevolution.py
from scipy.optimize import differential_evolution

def fit(bounds, data):
    return differential_evolution(cost, bounds, args=(data,), seed=0).x  # hot
# exempt: workers are set
# known: cores=1.0
# below: differential_evolution scipy/optimize/_differentialevolution.py, solve scipy/optimize/_differentialevolution.py
from scipy.optimize import differential_evolution

def fit(bounds, data):
    return differential_evolution(cost, bounds, args=(data,), workers=4, updating="deferred").x  # hot
# exempt: the function takes all candidates at once
# known: cores=1.0
# below: differential_evolution scipy/optimize/_differentialevolution.py, solve scipy/optimize/_differentialevolution.py
from scipy.optimize import differential_evolution

def fit(bounds, data):
    return differential_evolution(cost, bounds, args=(data,), vectorized=True).x  # hot
