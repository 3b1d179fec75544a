# slow
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
# known: multiplied=40
def join(left, right):
    return left.merge(right, on="day")  # hot
# exempt: as many rows as before
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
# known: multiplied=1
def join(left, right):
    return left.merge(right, on="day")  # hot
