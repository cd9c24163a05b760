"""A study from its tables: what each column adds, and what is said without it."""

import csv
import dataclasses
import math

import numpy as np
import pytest

from negspa_jax.columns import FEATURES
from negspa_jax.evaluate import (
    Options,
    assess_study,
    find_examples,
    load_study,
    read_inputs,
)
from negspa_jax.evaluate.remarks import list_warnings
from negspa_jax.evaluate.study import PARTS

# Enough resamples for an interval, too few for its digits.
FEW = Options(num_resamples=20)


def make_rows(num_patients=60, seed=0):
    """Patients of three splits with everything that a study can ask of them."""
    generator = np.random.default_rng(seed)
    rows = []
    for place in range(num_patients):
        label = place % 2
        fold = place // 2 % 3
        split = ("train", "internal", "external")[place // 2 % 5 // 2]
        image = float(1 / (1 + np.exp(-generator.normal(1.5 * label - 0.75))))
        rows.append(
            {
                "patient_id": f"P{place:03}",
                "split": split,
                "label": label,
                "fold": fold if split == "train" else "mean",
                "score": image,
                **{name: int(generator.random() < 0.3) for name in FEATURES},
                "age": int(generator.integers(18, 70)),
                "sex": "FM"[int(generator.random() < 0.5)],
                "site": "AB"[place % 3 // 2],
                "reader:A": int(generator.random() < 0.3 + 0.4 * label),
                "reader_ai:A": int(generator.random() < 0.2 + 0.6 * label),
            }
        )
    return rows


def save(path, rows, columns=None):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module")
def study(rows, tmp_path_factory):
    path = save(tmp_path_factory.mktemp("full") / "tri.csv", rows)
    return load_study(predictions=[path], options=FEW)


def assess(tmp_path, rows, columns=None, **options):
    path = save(tmp_path / "tri.csv", rows, columns)
    return assess_study(
        read_inputs(predictions=[path]), dataclasses.replace(FEW, **options)
    )


def test_a_whole_table_leaves_out_only_what_needs_a_run(study):
    assert set(study.missing) == {"training", "maps"}


def test_every_score_is_assessed_in_every_split(study):
    found = [(one.split, one.score) for one in study.performances]
    splits = ("train", "external", "internal")
    scores = ("image", "clinical", "fused", "learned")
    assert found == [(split, score) for split in splits for score in scores]


def test_the_fused_score_is_primary_unless_another_is_named(study, tmp_path, rows):
    assert study.names.primary == "fused"
    assert assess(tmp_path, rows, score="image").names.primary == "image"
    with pytest.raises(ValueError, match="--score must be one of image, clinical"):
        assess(tmp_path, rows, score="imgae")


def test_operating_points_come_from_training_and_are_the_same_everywhere(study):
    assert study.reference == "train"
    chosen = {(point.score, point.name): point for point in study.operating_points}
    for performance in study.performances:
        for calls in performance.calls:
            point = chosen[performance.score, calls.point.name]
            assert calls.point.cutoff == point.cutoff
            assert point.source == "train"


def test_flow_counts_everybody_once(study, rows):
    assert sum(flow.num_patients for flow in study.flow) == len(rows)
    for flow in study.flow:
        parts = flow.num_positive + flow.num_negative + flow.num_unlabelled
        assert parts == flow.num_patients


def test_cases_are_all_labelled_patients_and_examples_some_of_them(study, rows):
    assert {case.patient_id for case in study.cases} == {r["patient_id"] for r in rows}
    examples = find_examples(study)
    assert 0 < len(examples) < len(study.cases)
    assert {case.split for case in examples} == {"train", "internal", "external"}


def test_three_columns_are_enough_for_a_study(tmp_path, rows):
    study = assess(tmp_path, rows, ["patient_id", "label", "score"])
    assert set(study.missing) == {*PARTS}
    (one,) = study.performances
    assert (one.split, one.score, one.num_patients) == ("all", "model", 60)
    assert 0.5 < one.auc.low < one.auc.value < one.auc.high
    assert one.calls == ()
    assert len(one.rederived) == 3


def test_cutoffs_that_are_given_make_calls_without_a_reference(tmp_path, rows):
    columns = ["patient_id", "label", "score"]
    study = assess(tmp_path, rows, columns, cutoffs=(0.5,))
    (point,) = study.operating_points
    assert (point.name, point.cutoff, point.source) == ("given", 0.5, "")
    wrong = [r for r in rows if (r["score"] >= 0.5) != r["label"]]
    calls = study.performances[0].calls[0]
    assert calls.counts.false_positives + calls.counts.false_negatives == len(wrong)
    assert "cases" not in study.missing


def test_each_missing_column_costs_its_own_part_only(tmp_path, rows):
    for gone, parts in {
        ("age", "sex"): {"subgroups"},
        ("reader:A", "reader_ai:A"): {"readings", "reader_pairs", "assistance"},
        ("reader_ai:A",): {"assistance"},
        FEATURES: {"fusion", "learned", "comparisons"},
        ("fold",): {"learned"},
    }.items():
        columns = [name for name in rows[0] if name not in gone]
        study = assess(tmp_path, rows, columns)
        assert set(study.missing) == {"training", "maps", *parts}, gone


def test_an_unknown_feature_is_refused_by_name_or_counts_as_absent(tmp_path, rows):
    holed = [dict(rows[0], uveitis=""), *rows[1:]]
    with pytest.raises(ValueError, match=r"P000 \(uveitis\); .* \(--missing=absent\)"):
        assess(tmp_path, holed)
    study = assess(tmp_path, holed, missing="absent")
    assert study.fusion.missing == {"uveitis": 1}
    assert any("uveitis: empty in 1 " in warning for warning in study.warnings)


def test_a_feature_without_a_column_costs_the_clinical_scores_and_is_said(
    tmp_path, rows
):
    columns = [name for name in rows[0] if name != "uveitis"]
    study = assess(tmp_path, rows, columns)
    assert {one.score for one in study.performances} == {"image"}
    assert "--missing=absent" in study.missing["fusion"]
    assert any("no clinical and no fused" in warning for warning in study.warnings)
    study = assess(tmp_path, rows, columns, missing="absent")
    assert study.fusion.missing == {"uveitis": len(rows)}


def test_subgroups_by_any_column_that_is_named(tmp_path, rows):
    study = assess(tmp_path, rows, subgroups=("site",))
    assert [one.covariate for one in study.groupings] == ["age", "sex", "site"]
    with pytest.raises(ValueError, match=r"--subgroups must name .* got scanner"):
        assess(tmp_path, rows, subgroups=("scanner",))


def test_columns_that_nothing_was_made_of_are_named(tmp_path, rows):
    more = [dict(r, note=f"text {i}", empty="") for i, r in enumerate(rows)]
    study = assess(tmp_path, more)
    assert study.unused == ("site",)
    assert any("nothing was made of: site" in warning for warning in study.warnings)
    assert assess(tmp_path, more, subgroups=("site",)).unused == ()


@pytest.mark.parametrize("name", ["Train", "training"])
def test_a_split_that_sounds_like_training_is_doubted(tmp_path, rows, name):
    spelled = [dict(r, split=r["split"].replace("train", name)) for r in rows]
    warned = " ".join(assess(tmp_path, spelled).warnings)
    assert f"{name}: taken as a test set" in warned
    assert "No cut-off" in warned


def test_classes_must_differ_in_name(tmp_path, rows):
    with pytest.raises(ValueError, match="--positive and --negative must differ"):
        assess(tmp_path, rows, positive="x", negative="x")


def test_maps_of_other_patients_are_refused(tmp_path, rows):
    (tmp_path / "gradcam.csv").write_text("patient_id,split,file,sha256\nX,a,x,0\n")
    path = save(tmp_path / "tri.csv", rows)
    with pytest.raises(ValueError, match="got none of them"):
        load_study(predictions=[path], maps=tmp_path, options=FEW)


def test_another_split_can_choose_the_operating_points(tmp_path, rows):
    study = assess(tmp_path, rows, reference="internal")
    assert {point.source for point in study.operating_points} == {"internal"}
    with pytest.raises(ValueError, match="--reference must be one of the splits train"):
        assess(tmp_path, rows, reference="validation")
    one_class = [dict(r, label=1) if r["split"] == "internal" else r for r in rows]
    with pytest.raises(ValueError, match="labelled patients of both classes"):
        assess(tmp_path, one_class, reference="internal")


def test_other_models_become_further_scores_of_the_same_patients(tmp_path, rows):
    first = save(tmp_path / "tri.csv", rows)
    worse = [
        dict(r, score=0.2 + 0.4 * r["score"] * (i % 3)) for i, r in enumerate(rows)
    ]
    second = save(tmp_path / "dual.csv", worse)
    study = load_study(predictions=[first, second], options=FEW)
    others = {one.second for one in study.comparisons}
    assert others == {"image", "clinical", "learned", "dual", "dual, fused"}
    pairs = {(one.first, one.second) for one in study.comparisons}
    assert pairs == {("image", "dual"), *(("fused", other) for other in others)}


@pytest.mark.parametrize("name", ["clinical", "fused", "learned", "image", "a, fused"])
def test_another_model_cannot_take_the_name_of_a_score(tmp_path, rows, name):
    paths = [save(tmp_path / f"{stem}.csv", rows) for stem in ("tri", "dual")]
    with pytest.raises(ValueError, match="must not be named like a score"):
        load_study(predictions=paths, names=["tri", name])


def test_groups_are_formed_on_training_patients_whoever_chose_the_cutoffs(
    tmp_path, rows
):
    grouping = assess(tmp_path, rows, reference="internal").groupings[0]
    ages = [r["age"] for r in rows if r["split"] == "train"]
    assert grouping.threshold == np.median(ages)
    assert grouping.source == "median of train"


def test_only_scores_by_fold_are_called_out_of_fold(tmp_path, rows, study):
    assert study.out_of_fold
    columns = [name for name in rows[0] if name != "fold"]
    unknown = assess(tmp_path, rows, columns)
    assert not unknown.out_of_fold
    warned = " ".join(unknown.warnings)
    assert "does not say by which fold's model" in warned
    assert "scores are out of fold" not in warned


def test_a_test_set_that_chose_the_cutoffs_is_called_optimistic(tmp_path, rows):
    warned = " ".join(assess(tmp_path, rows, reference="internal").warnings)
    assert "internal: the operating points were chosen on these patients" in warned
    assert "and so were the operating points" not in warned


def test_degenerate_tables_are_studies_too(tmp_path, rows):
    one_class = [dict(r, label=1) for r in rows]
    unlabelled = [dict(r, label="") for r in rows]
    for changed in (one_class, unlabelled, rows[:1], rows[:2]):
        study = assess(tmp_path, changed)
        for one in study.performances:
            both = one.num_positive not in (0, one.num_patients)
            assert math.isnan(one.auc.value) != both
        assert study.warnings


def test_what_limits_the_numbers_is_said(tmp_path, rows, study):
    assert any(
        warning.startswith("train: scores are out of") for warning in study.warnings
    )
    perfect = [dict(r, score=0.25 + 0.5 * r["label"]) for r in rows]
    warned = " ".join(assess(tmp_path, perfect).warnings)
    assert "internal, image: the AUC of 1 has no spread" in warned
    some = [dict(r, label="" if i < 4 else r["label"]) for i, r in enumerate(rows)]
    assert "scored but not counted without a label" in " ".join(
        assess(tmp_path, some).warnings
    )


@pytest.mark.parametrize("cohort", ["", "cohort.csv"])
def test_synthetic_patients_are_called_so(study, cohort):
    provenance = dataclasses.replace(study.provenance, config={"data.cohort": cohort})
    warned = list_warnings(dataclasses.replace(study, provenance=provenance))
    assert any("synthetic" in warning for warning in warned) == (not cohort)


def test_the_same_tables_give_the_same_study(study, rows, tmp_path):
    again = assess(tmp_path, rows)
    for name in ("subgroups", "readings", "rescues", "cases", "flow", "comparisons"):
        assert repr(getattr(again, name)) == repr(getattr(study, name))
    assert repr(again.performances) == repr(study.performances)
    assert again.names == study.names
