"""The arguments of a call that reads text: those that say how to parse it, where their values cannot be secrets."""

# Names of columns, ways to write a value, numbers of lines. Not: functions, paths, credentials of a store.
_HARMLESS = frozenset(
    "sep delimiter header names index_col usecols dtype engine true_values false_values skipinitialspace skiprows "
    "skipfooter nrows na_values keep_default_na na_filter skip_blank_lines parse_dates date_format dayfirst "
    "cache_dates thousands decimal quotechar quoting doublequote escapechar comment encoding encoding_errors "
    "compression low_memory memory_map float_precision dtype_backend on_bad_lines colspecs widths infer_nrows "
    "lines orient convert_axes convert_dates keep_default_dates precise_float date_unit sheet_name "
    "separator has_header columns new_columns null_values infer_schema_length n_rows skip_rows skip_lines "
    "try_parse_dates quote_char comment_prefix ignore_errors truncate_ragged_lines rechunk decimal_comma".split()
)
_LENGTH = 200  # of a text: a longer one is no delimiter, name or missing value
_ITEMS = 500


def given(function, args, kwargs):
    """name -> value of the arguments that differ from the function's defaults, without the first one."""
    code = getattr(function, "__code__", None)
    named = code.co_varnames[: code.co_argcount] if code is not None else ()
    defaults = dict(zip(reversed(named), reversed(getattr(function, "__defaults__", None) or ())))
    defaults.update(getattr(function, "__kwdefaults__", None) or {})
    found = dict(zip(named[1:], args[1:]))
    found.update(kwargs)
    if len(args) > max(1, len(named)):  # of a decorated function, as in older pandas
        found["an argument"] = args
    return {
        name: value for name, value in found.items() if name not in named[:1] and value is not defaults.get(name, found)
    }


def options_of(arguments):
    """(name -> value of those that can be recorded, names of the others)."""
    options, hidden = {}, []
    for name, value in arguments.items():
        try:
            if name not in _HARMLESS:
                raise TypeError
            options[name] = _plain(value, name == "dtype")
        except TypeError:
            hidden.append(name)
    return options, hidden


def _plain(value, types):
    """``value`` as JSON can hold it. Raises TypeError."""
    kind = type(value)
    if value is None or kind in (bool, int) or (kind is float and value - value == 0):
        return value
    if kind is str and len(value) <= _LENGTH:
        return value
    if kind in (list, tuple, set, frozenset) and len(value) <= _ITEMS:
        return [_plain(each, types) for each in value]
    if kind is dict and len(value) <= _ITEMS and all(type(key) is str for key in value):
        return {key: _plain(each, types) for key, each in value.items()}
    if types:
        return _type(value)
    raise TypeError


def _type(kind):
    """The name of a type of numpy, pandas or Python by which pandas finds it again."""
    if kind in (int, float, bool, str, object):
        return kind.__name__
    name = getattr(kind, "name", None) or (kind.__name__ if getattr(kind, "__module__", "") == "numpy" else None)
    if not isinstance(name, str) or name == "category":  # a category's values would be lost
        raise TypeError
    return name
