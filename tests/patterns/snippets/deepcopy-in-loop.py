# slow
# below: deepcopy copy.py, _deepcopy_dict copy.py
import copy

def variants(template, names):
    for name in names:
        item = copy.deepcopy(template)  # hot
        item["name"] = name
        yield item
# exempt: once
# below: deepcopy copy.py
import copy

def backup(model):
    return copy.deepcopy(model)  # hot
