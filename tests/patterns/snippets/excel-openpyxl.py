# slow
# below: read_excel pandas/io/excel/_base.py, get_sheet_data pandas/io/excel/_openpyxl.py, parse_row openpyxl/worksheet/_reader.py
import pandas as pd

def read(path):
    return pd.read_excel(path)  # hot
# exempt: another engine
# below: read_excel pandas/io/excel/_base.py, get_sheet_data pandas/io/excel/_calamine.py
import pandas as pd

def read(path):
    return pd.read_excel(path, engine="calamine")  # hot
# exempt: it is written
# below: to_excel pandas/core/generic.py, write pandas/io/formats/excel.py, _write_cells pandas/io/excel/_openpyxl.py
def save(frame, path):
    frame.to_excel(path)  # hot
# slow: without pandas
# below: load_workbook openpyxl/reader/excel.py, read openpyxl/reader/excel.py, parse_cell openpyxl/worksheet/_reader.py
from openpyxl import load_workbook

class Readings:
    def __init__(self, path):
        self.book = load_workbook(path, data_only=True)  # hot
# exempt: the workbook is changed
# below: load_workbook openpyxl/reader/excel.py, read openpyxl/reader/excel.py, parse_cell openpyxl/worksheet/_reader.py
import openpyxl

def stamp(path):
    book = openpyxl.load_workbook(path)  # hot
    book.active["A1"] = "seen"
    book.save(path)
