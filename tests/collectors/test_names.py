"""Names of collectors' files: a double underscore is a dot, so that modules with underscores can be watched."""

from __future__ import annotations

from pathlib import Path

from bottleneck_profiler.agent import bootstrap

COLLECTORS = Path(bootstrap.__file__).parents[1] / "collectors"


def test_dots_and_underscores_are_told_apart(monkeypatch):
    names = ["huggingface_hub.py", "torch__utils__data.py", "torch___dynamo.py", "__init__.py", "host", "support"]
    monkeypatch.setattr(bootstrap.os, "listdir", lambda folder: names)
    assert bootstrap.watched_modules() == {
        "huggingface_hub": "huggingface_hub",
        "torch.utils.data": "torch__utils__data",
        "torch._dynamo": "torch___dynamo",
    }


def test_every_collector_waits_for_the_module_that_its_name_says():
    for module, name in bootstrap.watched_modules().items():
        text = (COLLECTORS / f"{name}.py").read_text()
        assert f'module = "{module}"' in text, name
