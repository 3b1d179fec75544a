"""``pandas``: files read and written, heavy transformations, row-wise Python code, and the columns in use.

Records outermost calls only. Reads inside a DataLoader count as data loading (see ``support/reads.py``).
"""

import weakref
from functools import partial
from types import FunctionType

from .. import signals
from ..agent.recorder import now
from . import BaseCollector
from .support.columns import Columns
from .support.hooking import guard, hook, hook_timed
from .support.options import given, options_of
from .support.reads import asked, first, form_of, names, of, path_of, size_of
from .support.rows import Rows

_READERS = {
    "read_csv": "csv", "read_table": "csv", "read_fwf": "fwf", "read_json": "json", "read_parquet": "parquet",
    "read_feather": "feather", "read_orc": "orc", "read_pickle": "pickle", "read_excel": "excel", "read_hdf": "hdf5",
    "read_xml": "xml", "read_html": "html", "read_stata": "stata", "read_sas": "sas", "read_sql": "sql",
    "read_sql_query": "sql", "read_sql_table": "sql",
}  # fmt: skip
_TEXT = ("csv", "fwf", "json", "excel")  # what can be converted, if the arguments are known
_WRITERS = ("to_csv", "to_parquet", "to_feather", "to_pickle", "to_json", "to_excel", "to_hdf", "to_orc", "to_sql")
_FUNCTIONS = (
    "concat merge merge_asof merge_ordered to_datetime to_numeric get_dummies pivot_table melt crosstab cut qcut "
    "json_normalize"
).split()
# Without the functions that inspect their caller's variables (query, eval); see also ``_looks_around``.
_METHODS = (
    "merge join sort_values sort_index drop_duplicates dropna pivot pivot_table melt explode stack unstack describe "
    "corr rank nlargest map agg aggregate transform astype"
).split()
_GROUPED = (
    "agg aggregate apply transform sum mean median min max std var count size first last nunique cumsum quantile"
).split()
# Tracking columns costs a little at every use of the frame: only do it for frames that are slow to read.
FOLLOW_NS = 20_000_000
FOLLOW_COLUMNS = 3


class Collector(BaseCollector):
    id = "pandas"
    module = "pandas"

    def hook(self, module):
        self.frame = module.DataFrame
        self.version = _text(getattr(module, "__version__", None))
        self.reads = of(self.recorder)
        self.columns = Columns(self.recorder, self.off)
        self.chunked = weakref.WeakKeyDictionary()
        rows = Rows(self)
        for name, form in _READERS.items():
            if hasattr(module, name):
                hook(self, module, name, partial(self._reader, name=name, form=form))
        for name in _FUNCTIONS:
            if hasattr(module, name):
                hook_timed(self, module, name, signals.TRANSFORM)
        frame, series = module.DataFrame, module.Series
        groups = module.core.groupby.DataFrameGroupBy, module.core.groupby.SeriesGroupBy
        self._hook_methods((frame, series), _WRITERS, signals.WRITE)
        self._hook_methods((frame,), _METHODS, signals.TRANSFORM)
        self._hook_methods(groups, _GROUPED, signals.TRANSFORM)
        hook(self, frame, "apply", partial(rows.apply, call="DataFrame.apply"))
        hook(self, frame, "iterrows", rows.iterrows)
        hook(self, series, "apply", partial(rows.apply, call="Series.apply"))
        hook(self, series, "map", partial(rows.apply, call="Series.map"))
        self._hook_chunks(module)

    def _hook_methods(self, owners, methods, phase):
        """Record methods as ``phase``, each on the class that defines it, since several classes may inherit it."""
        places = {(home, name) for owner in owners for name in methods for home in _home(owner, name)}
        for home, name in places:
            method = vars(home)[name]
            if isinstance(method, FunctionType) and not _looks_around(method):
                hook_timed(self, home, name, phase)

    def detach(self):
        if hasattr(self, "columns"):
            self.columns.forget()
        super().detach()

    # -- readers -----------------------------------------------------------------------------------------------

    def _reader(self, original, name, form):
        reads, call = self.reads, "pandas." + name
        describe = partial(self._describe_text, original) if form in _TEXT else self._describe

        def before(args, kwargs):
            token = reads.begin()
            return None if token is None else (token, args, kwargs)

        def after(token, result, failed):
            begun, args, kwargs = token
            started = begun[2]
            kind = form_of(first(args, kwargs), form)
            number = reads.end(begun, call, kind, lambda: describe(args, kwargs, result), failed)
            if failed or begun[0] is None:
                return
            if not isinstance(result, self.frame):
                self._remember(result, call, form, args)
            elif number and len(result.columns) >= FOLLOW_COLUMNS and now() - started >= FOLLOW_NS:
                self.columns.track(result, number)

        return guard(self, original, before, after)

    def _describe(self, args, kwargs, result):
        fields = size_of(first(args, kwargs))
        if isinstance(result, self.frame):
            columns = list(result.columns)
            fields.update(
                rows=len(result),
                columns=names(columns),
                column_count=len(columns),
                dtypes=[str(kind) for kind in result.dtypes[:500]],
            )
        wanted = kwargs.get("usecols", kwargs.get("columns"))
        fields.update(asked_columns=asked(wanted), engine=_text(kwargs.get("engine")))
        if isinstance(kwargs.get("nrows"), int):
            fields["size_bytes"] = None  # part of the file: the file size says nothing about this read
        return fields

    def _describe_text(self, original, args, kwargs, result):
        """With the arguments that it takes to read the same text again, see ``options_of``."""
        fields = self._describe(args, kwargs, result)
        if isinstance(result, self.frame):
            fields["options"], fields["hidden"] = options_of(given(original, args, kwargs))
            fields["library"] = self.version
        return fields

    # -- chunks ------------------------------------------------------------------------------------------------

    def _remember(self, result, call, form, args):
        """Remember a reader that returns chunks: its later reads belong to the same file."""
        if hasattr(result, "get_chunk") or hasattr(result, "read"):
            self.chunked[result] = (call, form, path_of(args[0] if args else None)[0], self.recorder.site())

    def _hook_chunks(self, module):
        owner = getattr(getattr(module.io.parsers, "readers", None), "TextFileReader", None)
        if owner is None:
            return
        reads = self.reads

        def before(args, kwargs):
            source = self.chunked.get(args[0])
            token = reads.begin() if source is not None else None
            return None if token is None else (token, source)

        def after(token, result, failed):
            begun, (call, form, path, site) = token
            fields = {"path": path, "rows": None if failed else len(result), "site": site}
            reads.end(begun, call, form, lambda: fields, failed)

        hook(self, owner, "read", partial(guard, self, before=before, after=after))


def _home(owner, name):
    """The class from which ``owner`` has a method, in a list; an empty list if it has no such method."""
    return [each for each in owner.__mro__ if name in vars(each)][:1]


def _looks_around(function):
    """Whether the function counts references to its object or frames up to the user's line: it would count ours."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return not {"getrefcount", "_check_inplace_deprecation"}.isdisjoint(function.__code__.co_names)


def _text(value):
    return value if isinstance(value, str) else None
