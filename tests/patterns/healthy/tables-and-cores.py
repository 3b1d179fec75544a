# healthy: one point a request
# known: handler=True cores=1.0
from scipy.spatial import cKDTree
import numpy as np
tree = cKDTree(np.load("points.npy"))
def nearest(request):
    distance, index = tree.query([request.lat, request.lon], k=5)  # hot
    return index.tolist()
# healthy: transform of a sample in a loader's worker
# known: loading=True cores=1.0
import scipy.fft
class Samples:
    def __getitem__(self, index):
        image = self.images[index]
        return scipy.fft.fft2(image)
# healthy: in a process of one's own
# known: cores=1.0
# above: _bootstrap multiprocessing/process.py, run multiprocessing/process.py
import scipy.fft
def transform(images):
    return scipy.fft.fftn(images)
# healthy: small chunks
# known: cores=1.0
import zstandard
def pack(source, target):
    compressor = zstandard.ZstdCompressor(level=3)
    for chunk in iter(lambda: source.read(65536), b""):
        target.write(compressor.compress(chunk))
# healthy: styles of a workbook
# below: load_workbook openpyxl/reader/excel.py
import openpyxl
def marked(path):
    book = openpyxl.load_workbook(path)  # hot
    return [cell.value for row in book.active.iter_rows() for cell in row if cell.fill.fgColor.rgb == "FFFFFF00"]
# healthy: the frame changes
# below: __getitem__ pandas/core/frame.py
import pandas as pd
def settle(trades, accounts):
    for trade in trades:
        rows = accounts[accounts["owner"] == trade.owner]  # hot
        accounts.loc[rows.index, "cash"] -= trade.amount / len(rows)
    return accounts
# healthy: random forests with one job inside a pool
# known: cores=1.0
# above: _process_worker concurrent/futures/process.py
from xgboost import XGBClassifier
def score(fold):
    model = XGBClassifier(n_jobs=1)
    model.fit(fold.x, fold.y)
# healthy: filter then take away
# below: __getitem__ pandas/core/frame.py
import pandas as pd
def greedy(frame):
    while len(frame):
        key = frame["score"].idxmax()
        frame = frame[frame["group"] != frame.at[key, "group"]]  # hot
# healthy: a dict of the last state
import pandas as pd
class Smoother:
    def __init__(self):
        self.state = 0.0
    def step(self, x):
        self.state = 0.9 * self.state + 0.1 * x
        return self.state
def smooth(frame):
    smoother = Smoother()
    return frame["x"].map(smoother.step)
# healthy: one table a call
import pandas as pd
def report(paths):
    for path in paths:
        frame = pd.read_csv(path)
        yield frame["x"].mean()
# healthy: workbook to be changed through a helper
# below: load_workbook openpyxl/reader/excel.py
import openpyxl
def fill(path, values, target):
    book = openpyxl.load_workbook(path)  # hot
    sheet = book.active
    for row, value in enumerate(values, 1):
        sheet.cell(row=row, column=2).value = value
    finish(book, target)
