# slow
# known: loading=True
# below: wrapped /site-packages/sklearn/utils/_set_output.py, transform /site-packages/sklearn/preprocessing/_data.py
class Rows:
    def __getitem__(self, i):
        return self.scaler.transform(self.x[i].reshape(1, -1))[0]  # hot
# exempt: all at once
# below: wrapped /site-packages/sklearn/utils/_set_output.py, transform /site-packages/sklearn/preprocessing/_data.py
class Rows:
    def __init__(self, x, scaler):
        self.x = scaler.transform(x)  # hot
# exempt: with noise
# known: loading=True
# below: wrapped /site-packages/sklearn/utils/_set_output.py, transform /site-packages/sklearn/preprocessing/_data.py
import numpy as np

class Rows:
    def __getitem__(self, i):
        noisy = self.x[i] + np.random.normal(size=8)
        return self.scaler.transform(noisy[None])[0]  # hot
