"""What a Dask DataFrame's expression does, in the user's order: its operations, and the lines that asked for some.

Only what an expression holds is read. To ask it for its partitions or divisions could run a graph.
"""

from types import FunctionType

_MAX_NODES = 400
_MAX_PLANS = 500
_MAX_MADE = 2000
_MAX_DETAIL = 10
#: Operands that say how rows are moved, grouped and joined.
_DETAILS = ("how", "by", "arg", "_other", "broadcast")


class Plans:
    """The plans of this process's frames."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.made = {}  # name of an expression -> (site of the call that made it, site of a function given to it)
        self.known = {}  # names of expressions computed together -> id of their plan

    def note_made(self, collection, function):
        """The user's line made this collection by a call that may move rows between partitions."""
        if _name(collection) and len(self.made) < _MAX_MADE:
            part = collection.expr
            while type(part).__name__ == "RenameAxis":  # of a merge on indexes with two names
                part = part.operands[0]
            code = function.__code__ if type(function) is FunctionType else None
            of = self.recorder.site_of(code, code.co_firstlineno) if code is not None else 0
            self.made.setdefault(part._name, (self.recorder.site(), of))

    def of(self, collections):
        """The id of the plan of frames that are computed together; 0 if none of them has rows to move."""
        if not self.made:
            return 0
        roots = [each.expr for each in collections if _name(each)]
        key = tuple(str(each._name) for each in roots[:_MAX_NODES])
        if not roots or key in self.known or len(self.known) >= _MAX_PLANS:
            return self.known.get(key, 0)
        nodes = {}
        complete = all([_walk(root, nodes, self.made) for root in roots])
        moves = complete and any(node["site"] for node in nodes.values())
        self.known[key] = number = len(self.known) + 1 if moves else 0
        if moves:
            self.recorder.note("dask_plan", id=number, nodes=list(nodes.values()))
        return number


def _name(collection):
    kind = type(collection)  # an object that is computed later answers to every name
    if not kind.__module__.startswith("dask.") or not hasattr(kind, "expr"):
        return ""
    name = getattr(collection.expr, "_name", "")
    return name if type(name) is str else ""


def _walk(root, nodes, made):
    """Add the operations below ``root``, each after what it works on; False if there are too many."""
    todo = [root]
    while todo:
        part = todo[-1]
        if part._name in nodes:
            todo.pop()
            continue
        inner = [each for each in part.operands if hasattr(type(each), "_parameters")]
        waiting = [each for each in inner if each._name not in nodes]
        if waiting:
            todo += waiting
            if len(nodes) + len(todo) > _MAX_NODES:
                return False
            continue
        site, of = made.get(part._name, (0, 0))
        nodes[part._name] = {
            "id": len(nodes),
            "name": part._name[:200],
            "kind": type(part).__name__,
            "elemwise": any(each.__name__ == "Elemwise" for each in type(part).__mro__),
            "needs": [nodes[each._name]["id"] for each in inner],
            "site": site,
            "function": of,
            "details": _details(part),
        }
        todo.pop()
    return True


def _details(part):
    """Operands by name, as the strings in them; what is no string counts as "?"."""
    found, parameters = {}, list(type(part)._parameters)
    for name, operand in zip(parameters, part.operands):
        if name in _DETAILS and operand is not None and not hasattr(type(operand), "_parameters"):
            found[name] = _strings(operand)
    keys = part.operands[len(parameters) :]  # of a groupby
    if keys and "by" not in parameters and hasattr(type(part), "_by_columns"):
        found["by"] = [text for each in keys for text in (_strings(each) if type(each) in (str, list) else ["?"])]
    return found


def _strings(value):
    if type(value) in (str, bool):
        return [str(value)[:100]]
    if type(value) is dict:
        value = list(value.values())
    if type(value) in (list, tuple):
        return [text for each in value[:_MAX_DETAIL] for text in _strings(each)][: 5 * _MAX_DETAIL]
    return ["?"]
