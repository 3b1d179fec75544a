"""Lists, dicts and folders of plain Python: copied, shifted, searched or listed again in each pass."""

import ast

from ..fixed import same_work, unchanged
from ..growing import held_for_good
from ..loops import all_loops, in_loop, in_tight_loop
from ..model import Hot, Pattern, Price
from ..places import cached, every_pass, known, less, more, uses
from ..shapes import all_of, any_of, calls, matches
from ..syntax import Loop, last_name, same


def _sums_lists(hot: Hot) -> bool:
    """``sum(lists, [])``, or ``functools.reduce(f, lists, [])`` that adds."""
    node = hot.node
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return False
    start = node.args[-1]
    if not isinstance(start, ast.List | ast.Tuple) or start.elts or isinstance(node.args[-2], ast.List | ast.Tuple):
        return False
    names = hot.source.paths(node.func)
    if "builtins.sum" in names and len(node.args) == 2:
        return not hot.seen.below
    adds = isinstance(node.args[0], ast.Lambda) and isinstance(node.args[0].body, ast.BinOp)
    adds = adds or bool(hot.source.paths(node.args[0]) & {"operator.add", "operator.concat"})
    inner = all(frame.function == "<lambda>" for frame in hot.seen.below) or _only_hands_over(hot)
    return "functools.reduce" in names and adds and inner


def _only_hands_over(hot: Hot) -> bool:
    """Below ``reduce(add, map(f, items), [])`` is f alone, which only builds a list in a comprehension.

    The interpreter shows the time of the addition at the next call of f. Since 3.12 it shows that of the comprehension
    there, too.
    """
    given = hot.node.args[1] if isinstance(hot.node, ast.Call) and len(hot.node.args) > 1 else None
    if not isinstance(given, ast.Call) or last_name(given.func) != "map" or not given.args:
        return False
    name, python = last_name(given.args[0]), hot.seen.versions.get("python", ())
    found = hot.source.functions.get(name, [])
    body = found[0].body if len(found) == 1 else []
    made = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    if not isinstance(made, ast.ListComp) or [frame.function for frame in hot.seen.below] != [name]:
        return False
    # What a comprehension goes through is computed in f.
    called = any(isinstance(each, ast.Call) for each in ast.walk(made.generators[0].iter))
    return not called and () < python < (3, 12)


def _copies_to_grow(hot: Hot) -> bool:
    """``items = items + [x]``, ``table = {**table, key: x}`` and ``items = [*items, x]``, nothing else being called."""
    node, statement = hot.node, hot.source.statement(hot.node)
    if not isinstance(statement, ast.Assign) or statement.value is not node or len(statement.targets) != 1:
        return False
    target, value = statement.targets[0], statement.value
    loop = next(iter(hot.source.loops(node)), None)
    if not isinstance(loop, Loop) or hot.seen.below or hot.seen.rivals or _is_reset(loop, target, statement):
        return False
    if _is_kept(loop, target):
        return False
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        added = isinstance(value.right, ast.List | ast.Tuple) and not _is_array(hot, target, statement)
        return added and same(value.left, target)
    if isinstance(value, ast.Dict):
        return _adds_keys(value) and same(value.values[value.keys.index(None)], target)
    spread = [each.value for each in value.elts if isinstance(each, ast.Starred)] if isinstance(value, ast.List) else []
    return isinstance(value, ast.List) and len(value.elts) > 1 and any(same(each, target) for each in spread)


def _adds_keys(value: ast.Dict) -> bool:
    """``{**table, key: x}``: a key that is written down ("step") is there after the first pass, and the dict stays small."""
    return None in value.keys and any(not isinstance(each, ast.Constant | None) for each in value.keys)


def _copied_by_reduce(hot: Hot) -> bool:
    """``return {**state, key: x}`` of the function that ``functools.reduce`` calls with the state so far."""
    source, function, value = hot.source, hot.source.function(hot.node), hot.node
    if not isinstance(source.parents.get(value), ast.Return) or not isinstance(function, ast.FunctionDef):
        return False
    names = [each.arg for each in function.args.args if each.arg != "self"]
    parts: list[ast.expr] = []
    if isinstance(value, ast.Dict) and _adds_keys(value):
        parts = [value.values[value.keys.index(None)]]
    elif isinstance(value, ast.List) and len(value.elts) > 1:
        parts = [each.value for each in value.elts if isinstance(each, ast.Starred)]
    copied = any(isinstance(each, ast.Name) and [each.id] == names[:1] for each in parts)
    calls = [(source, call) for call in source.handed.get(function.name, [])]
    calls += [(each, call) for each, line in hot.seen.callers[:1] for call in each.by_line.get(line, [])
              if isinstance(call, ast.Call)]  # fmt: skip
    reduced = any("functools.reduce" in each.paths(call.func) for each, call in calls)
    return copied and reduced and not hot.seen.below and not hot.seen.rivals


def _is_array(hot: Hot, target: ast.expr, growing: ast.stmt) -> bool:
    """What it was before the loop is no list: an array, to which numbers are added."""
    begun = (
        [each for each in hot.source.bindings(target) if each.where is not growing]
        if isinstance(target, ast.Name)
        else []
    )
    return any(not isinstance(each.value, ast.List | ast.Tuple | ast.ListComp) for each in begun)


def _is_kept(loop: Loop, target: ast.expr) -> bool:
    """Each version is handed on or yielded, so that it has to be one of its own."""
    return any(
        any(same(one, target) for one in each.args)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
        else isinstance(each, ast.Yield) and each.value is not None and same(each.value, target)
        for each in ast.walk(loop)
    )


def _is_reset(loop: Loop, target: ast.expr, growing: ast.stmt) -> bool:
    """Another statement of the loop sets the target, so that it does not grow from pass to pass."""
    return any(
        isinstance(each, ast.expr)
        and isinstance(getattr(each, "ctx", None), ast.Store | ast.Del)
        and same(each, target)
        for statement in ast.walk(loop)
        if isinstance(statement, ast.stmt | ast.comprehension) and statement is not growing and statement is not loop
        for each in ast.iter_child_nodes(statement)
    )


def _made_to_be_searched(hot: Hot) -> bool:
    """``x in list(d)``, ``x in frame["a"].values``, ``x in d.values()``: what is searched stays the same, and is scanned."""
    node = hot.node
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.In | ast.NotIn):
        return False
    right = node.comparators[0]
    inside = {each for each in ast.walk(right) if isinstance(each, ast.Call)}
    if not set(hot.seen.rivals) <= inside or not unchanged(hot, right):
        return False
    pandas = not hot.seen.below or any(each.is_in("pandas/") for each in hot.seen.below[:1])
    if isinstance(right, ast.Attribute):
        column = any(path.startswith("pandas.") for path in hot.source.paths(right.value)) or _is_column(
            hot, right.value
        )
        return right.attr == "values" and pandas and (column or bool(hot.seen.below))
    if not isinstance(right, ast.Call) or not pandas:
        return False
    named = hot.source.paths(right.func) & {"builtins.list", "builtins.sorted"} and bool(right.args)
    scanned = isinstance(right.func, ast.Attribute) and right.func.attr in ("tolist", "to_list", "unique", "values")
    return bool(named) or (scanned and not right.args)


def _is_column(hot: Hot, value: ast.expr) -> bool:
    """``frame["id"]`` in a file that uses pandas: its ``values`` is asked for without a call, as of nothing else."""
    return uses("pandas")(hot) and isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant)


def _looks_in_one_folder(hot: Hot) -> bool:
    """``self.root.glob(f"{key}_*.txt")``: another pattern in each pass, but the same folder, to which no pass writes."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "glob":
        return False
    if not node.args or not _is_a_wildcard(node.args[0]) or "self" not in (hot.seen.given or ()):
        return False
    loops = all_loops(hot)
    named = {last_name(each.func) for _, loop in loops for each in ast.walk(loop) if isinstance(each, ast.Call)}
    functions = [each for name in named for each in hot.source.functions.get(name, ())]
    named |= {last_name(each.func) for one in functions for each in ast.walk(one) if isinstance(each, ast.Call)}
    return bool(loops) and named.isdisjoint(_WRITES) and unchanged(hot, node.func.value, given=hot.seen.given)


_WRITES = frozenset(
    "open write_text write_bytes touch unlink rename replace remove move mkdir save dump to_csv copy".split()
)


def _is_a_wildcard(pattern: ast.expr) -> bool:
    """A pattern with ``*`` or ``?`` for names of the folder itself."""
    parts = pattern.values if isinstance(pattern, ast.JoinedStr) else [pattern]
    text = "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
    return ("*" in text or "?" in text) and "/" not in text


def _waits(hot: Hot) -> bool:
    """The loop waits for something to appear in the folder, or takes away what it finds there."""
    source, function = hot.source, hot.source.function(hot.node)
    calls = source.calls.get(getattr(function, "name", ""), [])
    loops = [loop for _, loop in all_loops(hot)] + [loop for call in calls for loop in source.loops(call)]
    called = (each for loop in loops for each in ast.walk(loop) if isinstance(each, ast.Call))
    found = next((each for each in source.above(hot.node) if isinstance(each, ast.For)), None)
    taken = (each for each in (ast.walk(found) if found else ()) if isinstance(each, ast.Call))
    return any(last_name(each.func) in ("sleep", "wait") for each in called) or any(
        last_name(each.func) in ("move", "unlink", "remove", "rename", "replace") for each in taken
    )


def _at_the_front(hot: Hot) -> bool:
    """``items.insert(0, x)`` or ``items.pop(0)`` of a list."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return False
    first = getattr(node.args[0], "value", None)
    alone = not hot.seen.below and hot.seen.rivals <= {node}
    listed = any(matches(path, "builtins.list()", "*.tolist()") for path in hot.source.paths(node.func.value))
    return alone and listed and node.func.attr in ("insert", "pop") and type(first) is int and first == 0


def _fills_for_good(hot: Hot) -> bool:
    """``self.items.insert(0, x)`` takes most of the run, and nothing of the file takes an item out again.

    It has nearly all of the time from the start, so that its growth cannot be seen.
    """
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "insert":
        return False
    items = node.func.value
    taken = (
        isinstance(each, ast.Attribute) and each.attr in ("pop", "clear", "remove") and _is_named(each.value, items)
        for each in ast.walk(hot.source.tree)
    )
    cut = (
        isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del) and _is_named(each.value, items)
        for each in ast.walk(hot.source.tree)
    )
    return more(share=_MOST)(hot) and held_for_good(hot, items) and not any(taken) and not any(cut)


def _is_named(node: ast.expr, other: ast.expr) -> bool:
    return last_name(node) == last_name(other)


_MOST = 0.5  # of the run: to append to a list takes nothing like it


def _searches_its_own_list(hot: Hot) -> bool:
    """``min(free)`` or ``free.index(value)`` in a loop that changes single items of the list: a queue of priorities."""
    node = hot.node
    if not isinstance(node, ast.Call) or hot.seen.below:
        return False
    name = last_name(node.func)
    asked = node.args[0] if name in ("min", "max") and len(node.args) == 1 and isinstance(node.func, ast.Name) else None
    if name == "index" and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        asked = node.func.value
    loop = next((each for each in hot.source.loops(node) if isinstance(each, Loop)), None)
    if not isinstance(asked, ast.Name) or loop is None or "builtins.list()" not in hot.source.paths(asked):
        return False
    least = any(
        last_name(each.func) in ("min", "max") and each.args and same(each.args[0], asked)
        for each in ast.walk(loop)
        if isinstance(each, ast.Call)
    )
    stores = [each for each in ast.walk(loop) if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store)]
    taken = [each for each in ast.walk(loop) if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    changes = any(same(each.value, asked) for each in stores) or any(
        isinstance(each.func, ast.Attribute) and each.func.attr in ("remove", "pop") and same(each.func.value, asked)
        for each in taken
    )
    return least and changes


PATTERNS = (
    Pattern(
        id="smallest-searched-again",
        title="Each pass searches the whole list for its smallest or largest item",
        replacement="Keep the items in a heap: the time of heapq.heappop, heappush and heapreplace grows with the logarithm of its length",
        snippet="heap = [(time, machine) for machine in machines]\nheapq.heapify(heap)\n"
        "time, machine = heap[0]\nheapq.heapreplace(heap, (time + job, machine))",
        when=(in_loop(), _searches_its_own_list),
        unless=(less(passes=100),),
        leave="A few items.",
        price=Price("amdahl", (3, 100)),
        source="docs.python.org heapq (priority queue implementation notes)",
        stages=("etl", "training"),
    ),
    Pattern(
        id="sum-of-lists",
        title="Lists are joined by sum (or reduce), which copies everything joined so far for each of them",
        replacement="Use list(itertools.chain.from_iterable(lists)), or extend one list",
        snippet="flat = list(itertools.chain.from_iterable(lists))",
        when=(_sums_lists,),
        leave="A few lists.",
        price=Price("amdahl", (5, 500)),
        source="cvg/Hierarchical-Localization#453 (minutes to an instant), astral-sh/ruff#5073, Lasagne/Lasagne#592",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="copied-to-grow",
        title="A list or dict is copied in each pass only to add one item",
        replacement="Change it in place: items.append(x), table[key] = x",
        snippet="items.append(x)\ntable[key] = x",
        when=(
            any_of(
                all_of(in_loop(), every_pass(), any_of(_copies_to_grow, in_tight_loop(_copies_to_grow))),
                _copied_by_reduce,
            ),
        ),
        unless=(known(growing=False), less(passes=1000)),
        leave="The earlier versions are kept, or few items.",
        price=Price("growth"),
        source="no published figures; the copies grow with the square of the passes (astral-sh/ruff#5073 is the same cause)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="collection-scanned-per-test",
        title="Each test for membership walks a whole column or list of values, made anew for the test",
        replacement="Make a set of the values once before the loop (known = set(frame['id'])), or test a whole column with isin",
        snippet="known = set(frame['id'])  # once\nif key in known:\n    ...",
        when=(in_loop(), any_of(_made_to_be_searched, in_tight_loop(_made_to_be_searched))),
        unless=(less(passes=100),),
        beats=("list-membership",),
        leave="The values change between the tests, or cannot be hashed.",
        price=Price("amdahl", (5, 500)),
        source="AnswerDotAI/RAGatouille#267 (352 to 0.6 s), ncoevoet/facet#97 (750x), StackOverflow 7571635",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="folder-listed-again",
        title="The same folder is listed again in each pass",
        replacement="List it once before the loop and keep a set of the names: names = {entry.name for entry in os.scandir(folder)}",
        snippet="names = {entry.name for entry in os.scandir(folder)}  # once\nif name in names:\n    ...",
        when=(
            calls(
                "os.listdir",
                "os.scandir",
                "os.walk",
                "glob.glob",
                "glob.iglob",
                "pathlib.Path().glob",
                "pathlib.Path().rglob",
                "pathlib.Path().iterdir",
            ),
            in_loop(),
            any_of(same_work(), _looks_in_one_folder),
        ),
        unless=(_waits, cached(), less(passes=10)),
        leave="The folder changes between the passes.",
        price=Price("once"),
        source="commaai/openpilot#34208, facefusion/facefusion-labs#80, ubccr/supremm#30",
        stages=("etl", "loading", "serving"),
        effort=1,
    ),
    Pattern(
        id="list-front-moves",
        title="A list gives or takes its first item, which moves all others, and it gets longer from pass to pass",
        replacement="Use collections.deque with appendleft and popleft; or append at the end and reverse once",
        snippet="items = collections.deque()\nitems.appendleft(item)",
        when=(any_of(known(growing=True), _fills_for_good), in_loop(), _at_the_front),
        leave="The list stays short.",
        price=Price("growth"),
        source="docs.python.org, collections.deque: pop(0) and insert(0, v) of a list cost O(n)",
        stages=("etl", "training"),
    ),
)
