# slow
# below: __get__ functools.py
# known: off_cpu=True
class Station:
    @property
    def band(self):
        return self.metadata["height"] // 300  # hot
# exempt: it computes
# below: __get__ functools.py
# known: off_cpu=False
class Station:
    @property
    def band(self):
        return self.metadata["height"] // 300  # hot
