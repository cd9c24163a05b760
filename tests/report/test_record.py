"""study.json holds all of a study, says what it means, and stays what it was."""

import dataclasses
import json
import math

import pytest

from negspa_jax.evaluate import Study
from negspa_jax.report.record import format_study
from tests.report.golden.make import GOLDEN, make_golden


@pytest.fixture(scope="module")
def record(files):
    return json.loads(files["study.json"])


def test_the_golden_study_is_still_what_it_was():
    found, golden = json.loads(make_golden()), json.loads(GOLDEN.read_text("utf-8"))
    assert list(differences(found["study"], golden["study"])) == []
    assert set(found["about"]["types"]) == set(golden["about"]["types"])
    assert found["about"]["format"] == golden["about"]["format"]


def test_every_field_of_a_study_is_written(record):
    assert list(record["study"]) == [f.name for f in dataclasses.fields(Study)]


def test_every_type_says_what_its_fields_mean(record, study):
    types = record["about"]["types"]
    assert {"Study", "Performance", "Estimate", "RocCurve", "Case"} <= set(types)
    assert all(types.values())


def test_undefined_is_null_and_infinity_a_word(record, study):
    row = study.performances[0]
    written = record["study"]["performances"][0]
    assert math.isinf(row.roc.cutoffs[0])
    assert written["roc"]["cutoffs"][0] == "inf"
    undefined = [case.fold_sd != case.fold_sd for case in study.cases]
    assert any(undefined)
    assert [case["fold_sd"] is None for case in record["study"]["cases"]] == undefined


def test_numbers_are_unrounded(record, study):
    rows = record["study"]["performances"]
    assert [row["auc"]["low"] for row in rows] == [
        row.auc.low for row in study.performances
    ]


def test_pictures_are_named_and_not_held(record, files):
    names = [found["png"] for found in record["study"]["provenance"]["maps"]]
    assert names == ["maps/map_001.png", "maps/map_002.png"]
    assert set(names) <= set(files)


def test_the_same_study_gives_the_same_text(study):
    names = {found.sha256: found.sha256 for found in study.provenance.maps}
    assert format_study(study, pictures=names) == format_study(study, pictures=names)


def differences(found, golden, path=""):
    """Where two records differ; numbers may by what libraries round differently."""
    if isinstance(golden, float) and isinstance(found, float | int):
        if not math.isclose(found, golden, rel_tol=1e-8, abs_tol=1e-10):
            yield f"{path}: {found} is not {golden}"
    elif type(found) is not type(golden):
        yield f"{path}: {found} is not {golden}"
    elif isinstance(golden, dict):
        if list(found) != list(golden):
            yield f"{path}: {list(found)} is not {list(golden)}"
        for name in golden.keys() & found.keys():
            yield from differences(found[name], golden[name], f"{path}.{name}")
    elif isinstance(golden, list):
        if len(found) != len(golden):
            yield f"{path}: {len(found)} elements, not {len(golden)}"
        for place, pair in enumerate(zip(found, golden, strict=False)):
            yield from differences(*pair, f"{path}[{place}]")
    elif found != golden:
        yield f"{path}: {found} is not {golden}"
