"""Reads a text file by the program's own call and compares it with Parquet files; run by the program's Python.

Each line on stdin is a request in JSON, each line on stdout its answer. It imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

_PLAIN = {"bool", "float32", "float64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
_TEXT = {"str", "object", "string"}


class Pandas:
    """A DataFrame, and ``pandas.read_parquet``."""

    def __init__(self, call: str, path: str, options: dict[str, Any]) -> None:
        self.pandas: Any = importlib.import_module("pandas")
        self.version = self.pandas.__version__
        self.frame = getattr(self.pandas, call)(path, **options)
        self.index_is_plain = self.frame.index.equals(self.pandas.RangeIndex(len(self.frame)))

    def shape(self) -> dict[str, Any]:
        kinds = [str(kind) for kind in self.frame.dtypes]
        names = list(self.frame.columns)
        simple = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        types = [kind if kind in _PLAIN else "string" if kind in _TEXT else None for kind in kinds]
        stream = simple and self.index_is_plain and None not in types
        return {
            "rows": len(self.frame),
            "columns": len(names),
            "names": [str(name) for name in names],
            "types": types if stream else None,
            "bytes": int(self.frame.memory_usage(deep=True).sum()),
        }

    def difference(self, parquet: str) -> str:
        """The first difference, "" if there is none."""
        schema = importlib.import_module("pyarrow.parquet").read_schema(parquet)
        columns = schema.empty_table().to_pandas().columns
        if list(columns) != list(self.frame.columns):
            return f"columns {list(columns)[:5]} instead of {list(self.frame.columns)[:5]}"
        for position, name in enumerate(columns):
            back = self.pandas.read_parquet(parquet, columns=[str(name)])
            if len(back) != len(self.frame):
                return f"{len(back)} rows instead of {len(self.frame)}"
            if not position and not back.index.equals(self.frame.index):
                return "another index"
            found = self._column(name, self.frame.iloc[:, position], back.iloc[:, 0])
            if found:
                return found
        return ""

    def _column(self, name: str, own: Any, back: Any) -> str:
        if own.dtype != back.dtype:
            return f"column {name} is {back.dtype} instead of {own.dtype}"
        hashed = self.pandas.util.hash_pandas_object
        own, back = own.reset_index(drop=True), back.reset_index(drop=True)
        same = own.equals(back) and (hashed(back).to_numpy() == hashed(own).to_numpy()).all()
        if same and own.dtype == object:  # NaN and None are equal for pandas, not for all that the program may ask
            same = list(map(type, own[own.isna()])) == list(map(type, back[back.isna()]))
        if same:
            return ""
        at = next((row for row in range(len(own)) if repr(own.iloc[row]) != repr(back.iloc[row])), 0)
        return f"column {name} has {back.iloc[at]!r} instead of {own.iloc[at]!r} in row {at}"

    def write(self, parquet: str, codec: str, rows: int) -> None:
        pyarrow: Any = importlib.import_module("pyarrow")
        importlib.import_module("pyarrow.parquet")
        schema = pyarrow.Schema.from_pandas(self.frame)
        with pyarrow.parquet.ParquetWriter(parquet, schema, compression=codec) as writer:
            for start in range(0, max(1, len(self.frame)), rows):
                part = self.frame.iloc[start : start + rows]
                writer.write_table(pyarrow.Table.from_pandas(part, schema=schema))


class Polars:
    """A DataFrame of polars, and ``polars.read_parquet``."""

    def __init__(self, call: str, path: str, options: dict[str, Any]) -> None:
        self.polars: Any = importlib.import_module("polars")
        self.version = self.polars.__version__
        self.frame = getattr(self.polars, call)(path, **options)

    def shape(self) -> dict[str, Any]:
        rows, names, size = self.frame.height, self.frame.columns, int(self.frame.estimated_size())
        return {"rows": rows, "columns": len(names), "names": names, "types": None, "bytes": size}

    def difference(self, parquet: str) -> str:
        """The first difference, "" if there is none."""
        schema = self.polars.read_parquet_schema(parquet)
        if list(schema.items()) != list(self.frame.schema.items()):
            return f"columns {list(schema.items())[:5]}"
        for name in self.frame.columns:
            back = self.polars.read_parquet(parquet, columns=[name])[name]
            if len(back) != self.frame.height:
                return f"{len(back)} rows instead of {self.frame.height}"
            if not back.equals(self.frame[name], check_dtypes=True, null_equal=True):
                return f"column {name} has other values"
        return ""

    def write(self, parquet: str, codec: str, rows: int) -> None:
        self.frame.write_parquet(parquet, compression=codec, row_group_size=rows)


class Arrow:
    """A Table of pyarrow, and ``pyarrow.parquet.read_table``."""

    def __init__(self, call: str, path: str, options: dict[str, Any]) -> None:
        pyarrow: Any = importlib.import_module("pyarrow")
        self.parquet: Any = importlib.import_module("pyarrow.parquet")
        self.version = pyarrow.__version__
        self.table = getattr(importlib.import_module("pyarrow.csv"), call)(path, **options)

    def shape(self) -> dict[str, Any]:
        names = self.table.column_names
        return {
            "rows": self.table.num_rows,
            "columns": len(names),
            "names": names,
            "types": [str(kind) for kind in self.table.schema.types] if len(set(names)) == len(names) else None,
            "bytes": self.table.nbytes,
        }

    def difference(self, parquet: str) -> str:
        """The first difference, "" if there is none."""
        schema = self.parquet.read_schema(parquet)
        if not schema.equals(self.table.schema):
            return f"columns {[str(field) for field in schema][:5]}"
        for position, name in enumerate(self.table.column_names):
            back = self.parquet.read_table(parquet, columns=[name]).column(0)
            if len(back) != self.table.num_rows:
                return f"{len(back)} rows instead of {self.table.num_rows}"
            if not back.equals(self.table.column(position)) and not self._unequal_to_itself(position, back):
                return f"column {name} has other values"
        return ""

    def _unequal_to_itself(self, position: int, back: Any) -> bool:
        """Whether only NaN, which equals nothing, makes the columns differ."""
        own = self.table.column(position)
        if not str(own.type).startswith(("float", "double")):
            return False
        nan = own.is_null(nan_is_null=True)
        return nan.equals(back.is_null(nan_is_null=True)) and bool(own.filter(_not(nan)).equals(back.filter(_not(nan))))

    def write(self, parquet: str, codec: str, rows: int) -> None:
        self.parquet.write_table(self.table, parquet, compression=codec, row_group_size=rows)


def _not(mask: Any) -> Any:
    return importlib.import_module("pyarrow.compute").invert(mask)


READERS: dict[str, Any] = {"pandas": Pandas, "polars": Polars, "pyarrow.csv": Arrow}


class Answers:
    """What a request gives: the table that was read stays until the end."""

    own: Any = None

    def to(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer, an error as its text. Raises nothing."""
        try:
            return self._to(asked)
        except OSError as error:
            return {"errno": error.errno, "error": str(error)}
        except BaseException as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _to(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["do"] == "read":
            module, _, call = asked["call"].rpartition(".")
            self.own = READERS[module](call, asked["path"], asked["options"])
            importlib.import_module("pyarrow.parquet")
            return {"version": self.own.version, **self.own.shape()}
        assert self.own is not None
        if asked["do"] == "difference":
            return {"difference": self.own.difference(asked["parquet"])}
        self.own.write(asked["parquet"], asked["codec"], asked["rows"])
        return {}


def main() -> None:
    """Answer requests until stdin ends."""
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    # What a library prints is no answer.
    stdout, sys.stdout = sys.stdout, sys.stderr
    answers = Answers()
    for line in sys.stdin:
        print(json.dumps(answers.to(json.loads(line))), file=stdout, flush=True)


if __name__ == "__main__":
    main()
