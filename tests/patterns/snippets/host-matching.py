# slow
# known: step=True
from scipy.optimize import linear_sum_assignment

def match(costs):
    return [linear_sum_assignment(cost) for cost in costs]  # hot
# exempt: once
# known: step=True
from scipy.optimize import linear_sum_assignment

def match(cost):
    return linear_sum_assignment(cost)  # hot
