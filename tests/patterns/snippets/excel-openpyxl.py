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
