"""A call's arguments change in place, and nothing else does; where it is not certain, nothing changes."""

from __future__ import annotations

import ast

import pytest
from bottleneck_profiler.patching import NoPatch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .files import IMPORT, after, made, refused, written

WORKERS = {"num_workers": "2", "persistent_workers": "True"}
NEW = "num_workers=2, persistent_workers=True"

CALLS = {
    "one line": ("DataLoader(data, batch_size=4)", f"DataLoader(data, batch_size=4, {NEW})"),
    "one argument": ("DataLoader(data)", f"DataLoader(data, {NEW})"),
    "trailing comma": ("DataLoader(data, batch_size=4,)", f"DataLoader(data, batch_size=4, {NEW},)"),
    "spaces inside": ("DataLoader( data, batch_size = 4 )", f"DataLoader( data, batch_size = 4, {NEW} )"),
    "a line each": (
        "DataLoader(\n    data,\n    batch_size=4,\n)",
        "DataLoader(\n    data,\n    batch_size=4,\n    num_workers=2,\n    persistent_workers=True,\n)",
    ),
    "a line each, no comma at the end": (
        "DataLoader(\n    data,\n    batch_size=4\n)",
        "DataLoader(\n    data,\n    batch_size=4,\n    num_workers=2,\n    persistent_workers=True\n)",
    ),
    "hanging": (
        "DataLoader(data,\n           batch_size=4)",
        "DataLoader(data,\n           batch_size=4,\n           num_workers=2,\n           persistent_workers=True)",
    ),
    "all on one inner line": (
        "DataLoader(\n    data, batch_size=4  # small\n)",
        f"DataLoader(\n    data, batch_size=4, {NEW}  # small\n)",
    ),
    "comments": (
        "DataLoader(\n    data,  # all of it\n\n    # fits the cache\n    batch_size=4,  # small\n    # the end\n)",
        "DataLoader(\n    data,  # all of it\n\n    # fits the cache\n    batch_size=4,  # small\n"
        "    num_workers=2,\n    persistent_workers=True,\n    # the end\n)",
    ),
    "a comment and no comma": (
        "DataLoader(\n    data,\n    batch_size=4  # small\n)",
        "DataLoader(\n    data,\n    batch_size=4,  # small\n    num_workers=2,\n    persistent_workers=True\n)",
    ),
    "tabs": (
        "DataLoader(\n\t\tdata,\n\t\tbatch_size=4,\n\t)",
        "DataLoader(\n\t\tdata,\n\t\tbatch_size=4,\n\t\tnum_workers=2,\n\t\tpersistent_workers=True,\n\t)",
    ),
    "given by name": (
        "DataLoader(data, num_workers=0, batch_size=4)",
        "DataLoader(data, num_workers=2, batch_size=4, persistent_workers=True)",
    ),
    "given by position": (
        "DataLoader(data, 4, True, None, None, 0)",
        "DataLoader(data, 4, True, None, None, 2, persistent_workers=True)",
    ),
    "both given": (
        "DataLoader(data, persistent_workers=False, num_workers = 0)",
        "DataLoader(data, persistent_workers=True, num_workers = 2)",
    ),
    "all given beside others": (
        "DataLoader(data, num_workers=0, persistent_workers=False, **more)",
        f"DataLoader(data, {NEW}, **more)",
    ),
    "in a call": ("list(DataLoader(data))[0]", f"list(DataLoader(data, {NEW}))[0]"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_call_keeps_its_layout(tmp_path, name: str, end: str, mark: str):
    call, expected = CALLS[name]
    text = f"{mark}{IMPORT}loader = {{}}  # für alle\nx = '''\x0c\n'''"
    changed = after(tmp_path, text.format(call).replace("\n", end), 2, **WORKERS)
    assert changed == text.format(expected).replace("\n", end)


@pytest.mark.parametrize(
    "lines",
    [
        "import torch\nx = torch.utils.data.DataLoader(d)",
        "import torch.utils.data\nx = torch.utils.data.DataLoader(d)",
        "import torch.utils.data as D\nx = D.DataLoader(d)",
        "from torch.utils import data\nx = data.DataLoader(d)",
        "from torch.utils.data import DataLoader as Loader\nx = Loader(d)",
        "from torch.utils.data.dataloader import DataLoader\nx = DataLoader(d)",
        "from torch.utils.data import Dataset, DataLoader\nx = (DataLoader)(d)",
    ],
)
def test_every_way_to_name_it(tmp_path, lines: str):
    assert after(tmp_path, lines, 2, num_workers="2") == lines.replace("(d)", "(d, num_workers=2)")


@pytest.mark.parametrize(
    ("lines", "function", "values", "changed"),
    [
        ("from torch import optim\nx = optim.Adam(p, lr)", "Adam", {"fused": "True"}, "optim.Adam(p, lr, fused=True)"),
        ("from torch.optim.adamw import AdamW\nx = AdamW(p)", "AdamW", {"fused": "True"}, "AdamW(p, fused=True)"),
        ("import torch\nx = torch.optim.Adagrad(p, 1, 0, 0, 0, 1, False)", "Adagrad", {"foreach": "True"}, "1, True)"),
    ],
)
def test_optimizers(tmp_path, lines: str, function: str, values: dict[str, str], changed: str):
    assert after(tmp_path, lines, 2, function=f"torch.optim.{function}", **values).endswith(changed)


def test_a_name_over_several_lines_is_recorded_at_any_of_them(tmp_path):
    text = "import torch\nx = (torch.utils.data\n  .DataLoader(d))\n"
    for line in (2, 3):
        assert after(tmp_path, text, line, num_workers="2") == text.replace("(d)", "(d, num_workers=2)")


REFUSED = {
    "x = DataLoader(d, **more)": "num_workers may be in **more: set it there",
    "x = DataLoader(*d)": "num_workers may be in *d: set it there",
    "x = DataLoader(d, num_workers=args.workers)": "takes num_workers from args.workers: make that 2",
    "x = DataLoader(d, num_workers=0 if debug else 4)": "takes num_workers from 0 if debug else 4: make that 2",
    "x = DataLoader(a), DataLoader(b)": "train.py:2 holds 2 calls of DataLoader",
    "x = DataLoader(DataLoader(a))": "train.py:2 holds 2 calls of DataLoader",
    "x = partial(DataLoader, batch_size=4)": "train.py:2 holds no plain call of DataLoader",
    "x = make(d)": "train.py:2 holds no plain call of DataLoader",
    "x = 1": "train.py:2 holds no plain call of DataLoader",
    "x = DataLoader(d for d in e)": "the patch could not be made",
    "x = DataLoader(d, num_workers=2)": "train.py:2 says so already",
    "x = DataLoader(d)\ndef DataLoader(d): ...": "holds no plain call",
    "x = DataLoader(d)\nfrom mine import DataLoader": "holds no plain call",
    "x = (": "train.py cannot be parsed by this Python",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_not_certain_is_left_alone(tmp_path, line: str):
    assert REFUSED[line] in refused(tmp_path, IMPORT + line, 2, num_workers="2")


@pytest.mark.parametrize("call", ["DataLoader(d, sampler=s)", "DataLoader(d, 4, None, s)", "DataLoader(d, **more)"])
def test_who_has_an_order_of_his_own_is_not_told_to_shuffle(tmp_path, call: str):
    assert "train.py:2 gives a sampler" in refused(tmp_path, f"{IMPORT}x = {call}", 2, shuffle="True") or "**" in call


def test_a_constant_of_the_module_is_changed_where_it_is_set(tmp_path):
    text = "from torch.utils.data import DataLoader\nx = DataLoader(d, num_workers=WORKERS)\n"
    for line in ("WORKERS = 0", "WORKERS: int = 0  # of the small machine"):
        changed = after(tmp_path, f"{line}\n{text}", 3, **WORKERS)
        assert changed.splitlines()[0] == line.replace("= 0", "= 2")
        assert changed.splitlines()[2] == "x = DataLoader(d, num_workers=WORKERS, persistent_workers=True)"
    unsure = ("print(WORKERS); WORKERS = 0", "WORKERS = 0; WORKERS = 4", "WORKERS = count()", "import WORKERS",
              "def f(): global WORKERS; WORKERS = 0", "def f(WORKERS=0): ...")  # fmt: skip
    for line in unsure:
        assert "takes num_workers from WORKERS" in refused(tmp_path, f"{line}\n{text}", 3, **WORKERS)


# -- any layout ---------------------------------------------------------------------------------------------------

GAP = st.sampled_from(["", " ", "\n", "\n    ", "  # note, (a) = 'b'\n    ", "\n\n\t", "\\\n", " \n  # more\n  "])
ARGUMENT = st.sampled_from(
    (
        "data",
        "batch_size=4",
        "shuffle=True",
        "collate_fn=lambda a, b=(1, 2): [a,\n b]",
        "sampler=f(x, y=',)')",
        "num_workers=0",
        "timeout=(0)",
        "generator=None",
    )
)


@st.composite
def calls(draw: st.DrawFn) -> str:
    names = draw(st.lists(ARGUMENT, max_size=5, unique_by=lambda a: a.partition("=")[0]))
    arguments = ["data", *(name for name in names if name != "data")]
    inside = ",".join(draw(GAP) + argument + draw(GAP) for argument in arguments)
    return f"DataLoader{draw(st.sampled_from(['', ' ']))}({inside}{draw(st.sampled_from(['', ',']))}{draw(GAP)})"


@given(call=calls(), end=st.sampled_from(["\n", "\r\n"]), before=GAP, behind=GAP, indent=st.sampled_from(["  ", "\t"]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everything_outside_the_call_stays_and_the_rest_of_the_call_too(tmp_path, call, end, before, behind, indent):
    head = f"{IMPORT}def f(data):\n{indent}s = 'ü\u2028'; g = ({before}"
    text = f"{head}{call}{behind})\n\x0c\n# end".replace("\n", end)
    head = head.replace("\n", end)
    tail = f"{behind})\n\x0c\n# end".replace("\n", end)
    line = head.count("\n") + 1
    path = written(tmp_path, text)
    try:
        changed = made(path, line, **WORKERS).after.decode()
    except NoPatch as reason:
        raise AssertionError(f"{reason}: {text!r}") from None
    assert changed.startswith(head) and changed.endswith(tail)
    new = changed[len(head) : len(changed) - len(tail)]
    assert end == "\n" or "\n" not in new.replace("\r\n", "")
    old_call, new_call = (ast.parse(f"({c})", mode="eval").body for c in (call, new))
    assert isinstance(old_call, ast.Call) and isinstance(new_call, ast.Call)
    old = {k.arg: ast.dump(k.value) for k in old_call.keywords}
    given_now = {k.arg: ast.dump(k.value) for k in new_call.keywords}
    assert given_now == {**old, "num_workers": "Constant(value=2)", "persistent_workers": "Constant(value=True)"}
    for comment in ("# note, (a) = 'b'", "# more"):
        assert changed.count(comment) == text.count(comment)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("import torch\ntorch.autograd.set_detect_anomaly(True)\n", "torch.autograd.set_detect_anomaly(False)"),
        (
            "import torch\ntorch.autograd.set_detect_anomaly(mode=True)\n",
            "torch.autograd.set_detect_anomaly(mode=False)",
        ),
        ("from torch.autograd import set_detect_anomaly as look\nlook(True, True)\n", "look(False, True)"),
    ],
)
def test_a_switch_is_switched_off(tmp_path, text, expected):
    changed = after(tmp_path, text, 2, "torch.autograd.set_detect_anomaly", mode="False")
    assert changed.splitlines()[1] == expected


@pytest.mark.parametrize(
    "text",
    ["import torch\nwith torch.autograd.detect_anomaly():\n    pass\n", "import pl\npl.Trainer(detect_anomaly=1)\n"],
)
def test_a_switch_of_another_kind_is_left_alone(tmp_path, text):
    assert "no plain call of set_detect_anomaly" in refused(
        tmp_path, text, 2, "torch.autograd.set_detect_anomaly", mode="False"
    )
