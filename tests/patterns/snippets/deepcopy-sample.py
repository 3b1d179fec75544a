# slow
# below: deepcopy copy.py, _deepcopy_dict copy.py
from copy import deepcopy

class Cached:
    def __getitem__(self, index):
        return self.transform(deepcopy(self.samples[index]))  # hot
# exempt: a function of that name
# below: deepcopy user/tools.py
from tools import deepcopy

class Cached:
    def __getitem__(self, index):
        return deepcopy(self.samples[index])  # hot
