"""Code that converts a text file once and reads the result, from the user's own call where it is known."""

from __future__ import annotations

import ast

from ...artifacts.etl.reads import Read
from . import _shared


def snippet(text: list[Read]) -> str:
    """For the reads of one line."""
    read, call = text[0], _shared.own_call(text[0])
    source = _shared.argument(None if read.call.startswith("csv.") else call, read)
    new = _shared.renamed(source, ".npy" if read.call.startswith("numpy.") else ".parquet")
    head = "from pathlib import Path\n" if "Path(" in new else ""
    files = len({read.path for read in text})
    once = f"  # once{' for every file' if files > 1 else ''}, not in every run\n"
    if read.call.startswith("dask."):
        return head + _dask(read, call, source, new, once)
    if read.call.startswith("polars."):
        return head + _polars(read, call, source, new, once)
    of = _pandas if read.call.startswith("pandas.") else _numpy if read.call.startswith("numpy.") else _arrow
    return head + of(read, call, source, new, once)


def conversion(text: list[Read]) -> str:
    """Without the last line, which reads the result: where a configuration file says what is read."""
    return snippet(text).rpartition("\n")[0]


def _pandas(read: Read, call: ast.Call | None, source: str, new: str, once: str) -> str:
    head = "import pandas as pd\n"
    if call is None:
        own = f"# give it the arguments of your own call\npd.{read.call[7:]}({source})"
    else:
        own = ast.unparse(_shared.without(call, "chunksize", "iterator"))
        if own != ast.unparse(call):
            chunks = f"for rows in pyarrow.parquet.ParquetFile({new}).iter_batches():\n    frame = rows.to_pandas()"
            return f"{head}import pyarrow.parquet\n\n{own}.to_parquet({new}){once}{chunks}"
    return f"{head}\n{own}.to_parquet({new}){once}" + _shared.rewritten(read, f"pd.read_parquet({new})")


def _polars(read: Read, call: ast.Call | None, source: str, new: str, once: str) -> str:
    own = ast.unparse(call) if call is not None else f"pl.{read.call[7:]}({source})"
    convert = f"import polars as pl\n\n{own}.write_parquet({new}){once}"
    return convert + _shared.rewritten(read, f"pl.read_parquet({new})")


def _dask(read: Read, call: ast.Call | None, source: str, new: str, once: str) -> str:
    own = ast.unparse(call) if call is not None else f"dd.{read.call.rpartition('.')[2]}({source})"
    head = f"import dask.dataframe as dd\n\n{own}.to_parquet({new}){once}"
    return head + _shared.rewritten(read, f"dd.read_parquet({new})")


def _numpy(read: Read, call: ast.Call | None, source: str, new: str, once: str) -> str:
    own = ast.unparse(call) if call is not None else f"np.{read.call[6:]}({source})"
    return f"import numpy as np\n\nnp.save({new}, {own}){once}" + _shared.rewritten(read, f"np.load({new})")


def _arrow(read: Read, call: ast.Call | None, source: str, new: str, once: str) -> str:
    form = "json" if read.call.startswith("pyarrow.json.") else "csv"
    own = f"pyarrow.{form}.read_{form}({source})"
    if call is not None and read.call.startswith("pyarrow."):
        own = ast.unparse(call)
    elif call is not None:
        given = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "delimiter"]
        own = f"{own[:-1]}, parse_options=pyarrow.csv.ParseOptions(delimiter={given[0]}))" if given else own
    convert = f"import pyarrow.{form}, pyarrow.parquet\n\npyarrow.parquet.write_table({own}, {new}){once}"
    if read.call.startswith("csv."):
        return f"{convert}for row in pyarrow.parquet.read_table({new}).to_pylist():\n    ..."
    return convert + _shared.rewritten(read, f"pyarrow.parquet.read_table({new})")
