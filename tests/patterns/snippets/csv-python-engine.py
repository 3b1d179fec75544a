# slow
# below: read_csv pandas/io/parsers/readers.py, read pandas/io/parsers/python_parser.py
import pandas as pd

def read(path):
    return pd.read_csv(path, sep=", ")  # hot
# exempt: the C engine
# below: read_csv pandas/io/parsers/readers.py, read pandas/io/parsers/c_parser_wrapper.py
import pandas as pd

def read(path):
    return pd.read_csv(path, sep=",")  # hot
