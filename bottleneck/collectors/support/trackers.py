"""Shared by the collectors of experiment trackers: whether they were asked for, and addresses without secrets."""


def asked(recorder, tool):
    """Whether ``bottleneck run`` is to log to this tool after the run; otherwise nothing of it is touched."""
    return tool in recorder.options.get("trackers", "").split("+")


def public(address):
    """An address without user and password."""
    scheme, mark, rest = str(address).partition("://")
    if not mark or "@" not in rest.partition("/")[0]:
        return str(address)
    host, slash, path = rest.partition("/")
    return scheme + mark + host.rpartition("@")[2] + slash + path
