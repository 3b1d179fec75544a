"""diagnosis.json: as its schema says, and readable again."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import numpy as np
import pytest
from bottleneck_profiler.diagnosis.findings import Evidence
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.exporters import json as report_json

from . import hard_samples, recordings, samples


def schema() -> dict[str, Any]:
    text = resources.files("bottleneck_profiler.exporters").joinpath("diagnosis.schema.json").read_text("utf-8")
    return json.loads(text)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


ANSWERS = {**samples.ALL, **recordings.ALL}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_kind_of_answer_follows_the_schema_and_reads_back(name: str) -> None:
    diagnosis = ANSWERS[name]()
    document = json.loads(report_json.dumps(diagnosis), parse_constant=no_constant)
    jsonschema.Draft202012Validator(schema()).validate(document)
    read = report_json.from_json(document)
    assert report_json.to_json(read) == document
    if name in samples.ALL:  # curves of a real run have gaps, and a number that is none equals none
        assert read == diagnosis


def test_the_schema_is_a_schema_and_describes_every_key_closely() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    document = report_json.to_json(samples.slow_training())
    for spoil in (
        lambda d: d.pop("headline"),
        lambda d: d.update(extra=1),
        lambda d: d["findings"][0].update(severity="fatal"),
        lambda d: d["findings"][0]["gain"].pop("low"),
        lambda d: d["checked"][0].update(outcome="ok"),
        lambda d: d["run"].update(wall_seconds="23.4 s"),
        lambda d: d.update(schema="bottleneck.diagnosis/3"),
    ):
        spoilt = json.loads(json.dumps(document))
        spoil(spoilt)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema()).validate(spoilt)


def test_hostile_text_survives_the_round_trip() -> None:
    text = report_json.dumps(hard_samples.hostile())
    text.encode("ascii")  # also an undecodable file name can be written
    assert report_json.from_json(json.loads(text)).run == hard_samples.hostile().run


def test_numbers_that_are_not_finite_become_null_and_numpy_scalars_numbers() -> None:
    document = json.loads(report_json.dumps(hard_samples.unfinite()), parse_constant=no_constant)
    assert document["findings"][0]["gain"]["high"] is None
    assert isinstance(report_json.from_json(document), Diagnosis)
    ranked = samples.slow_training().findings[0]
    finding = samples.workers_zero(evidence=(Evidence("rows", np.int64(7), "count"),))  # type: ignore[arg-type]
    row = report_json.to_json(
        samples.replace(samples.slow_training(), findings=(samples.replace(ranked, finding=finding),))
    )
    assert json.loads(json.dumps(row))["findings"][0]["evidence"][0]["value"] == 7


@pytest.mark.parametrize(
    "document", [{}, {"schema": "bottleneck.diagnosis/99"}, [], None, {"schema": "bottleneck.diagnosis/2"}]
)
def test_a_foreign_or_damaged_document_is_a_value_error(document: Any) -> None:
    with pytest.raises(ValueError, match=r"bottleneck\.diagnosis/2"):
        report_json.from_json(document)


def test_the_first_version_is_read_too() -> None:
    document = report_json.to_json(samples.slow_training())
    assert report_json.from_json({**document, "schema": "bottleneck.diagnosis/1"}) == samples.slow_training()


def test_a_part_of_another_shape_is_a_value_error() -> None:
    for part in ("run", "overhead", "findings", "view"):
        document = {**report_json.to_json(samples.slow_training()), part: ["nonsense"]}
        with pytest.raises(ValueError, match="damaged"):
            report_json.from_json(document)
