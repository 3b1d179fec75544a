# slow
# below: deepcopy copy.py, _deepcopy_dict copy.py
# known: handler=True
import copy

def answer(item):
    page = copy.deepcopy(TEMPLATE)  # hot
    page["id"] = item.id
    return page
# exempt: a shallow copy
# known: handler=True
import copy

def answer(item):
    page = copy.copy(TEMPLATE)  # hot
    page["id"] = item.id
    return page
