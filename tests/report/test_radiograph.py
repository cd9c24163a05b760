"""The report of a radiograph run: one model, one image, a split that chose."""

import json
import re
from dataclasses import replace

import pytest

from negspa_jax.evaluate import Options, load_study
from negspa_jax.evaluate.provenance import CaseMap
from negspa_jax.report.answers import ANSWERS
from negspa_jax.report.chapters import list_sections
from negspa_jax.report.checklist import fill_checklists
from negspa_jax.report.figures.cutoffs import draw_cutoffs, list_lines
from negspa_jax.report.figures.flow import draw_flow
from negspa_jax.report.folder import make_files
from negspa_jax.report.galleries import show_cutoffs
from negspa_jax.report.headline import write_headline
from negspa_jax.report.pictures import list_albums
from negspa_jax.report.roles import is_test, remark_split
from negspa_jax.report.tables.cohort import list_flow
from tests.evaluate.radiograph_run import radiograph_config, write_run
from tests.report.conftest import read_csv, read_page
from tests.report.test_captions import captions

CHOSE = "epoch and cut-off chosen here: optimistic"
MODEL = "Epoch and cut-offs were chosen on validation: the model's numbers there are"


@pytest.fixture(scope="module")
def radiographs(tmp_path_factory):
    run = write_run(tmp_path_factory.mktemp("run") / "radiograph_r50")
    return load_study(run=run, options=Options(num_resamples=10))


@pytest.fixture(scope="module")
def written(radiographs):
    return make_files(radiographs, fill_checklists(radiographs))


@pytest.fixture(scope="module")
def shown(written):
    return read_page(written["report.html"].decode())


@pytest.fixture(scope="module")
def said(radiographs):
    return captions(list_sections(radiographs, ()))


def write(study, name, **config):
    """An answer, where some fields of the config are others."""
    provenance = study.provenance
    changed = replace(provenance, config={**provenance.config, **config})
    return ANSWERS[name].write(replace(study, provenance=changed))


# --- one model -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        *("out of fold", "out-of-fold", "mean of the", "Each fold", "SD of folds"),
        *("MRI", "RVOI", "slices", "volume", "each encoder", "mean over folds"),
        *("sequence", "fold holds out", "exactly one fold"),
    ],
)
def test_nothing_speaks_of_folds_or_of_mri(written, shown, words):
    # Checklists ask in words of their own, and settings are named as they are.
    before = re.split(r"\d+\s+Checklists", shown.text)[0]
    assert len(before) > 10000
    assert words not in before + written["model_card.md"].decode()


def test_validation_says_that_it_chose_epoch_and_cut_off(radiographs):
    assert remark_split(radiographs, "validation") == CHOSE
    assert not is_test(radiographs, "validation")
    assert is_test(radiographs, "external")
    uncut = replace(radiographs, reference="")
    assert remark_split(uncut, "validation") == "epoch chosen here: optimistic"


def test_the_first_screen_counts_tests_validation_and_those_learned_from(radiographs):
    found = write_headline(radiographs)
    assert "in 25 labelled patients of 1 test split, and 28 of validation." in (
        found.measured
    )
    assert found.measured.endswith(" The model learned from 40 other patients.")
    assert [card.remark for card in found.cards] == ["", CHOSE]
    assert "chosen on the 28 labelled patients of validation" in found.reading


def test_every_section_that_judges_scores_says_who_chose(radiographs):
    sections = list_sections(radiographs, ())
    warned = {s.name for s in sections if MODEL in s.source}
    assert {"performance", "roc", "cutoffs", "pr", "calibration", "errors"} <= warned
    assert not {"patients", "characteristics", "agreement", "training"} & warned


def test_files_are_named_where_their_patients_are_counted(radiographs):
    sections = {s.name: s.source for s in list_sections(radiographs, ())}
    assert "unscored.csv" in sections["patients"]
    assert "unscored.csv" in sections["characteristics"]
    assert "unscored.csv" not in sections["performance"]


def test_those_learned_from_are_in_the_flow(radiographs, written):
    header, rows = read_csv(written["tables/flow.csv"])
    assert header[:3] == ["Split", "Learned from", "Patients with a score"]
    assert [row[:3] for row in rows] == [
        ["train", "40", "0"],
        ["external", "0", "25"],
        ["validation", "0", "28"],
    ]
    (panel,) = draw_flow(radiographs)
    assert "negative, without a score: 40 learned from;" in panel.words
    assert "40 learned from" in panel.svg


def test_training_curves_are_the_models(said, written):
    assert "fold_0/history.csv" in said["figure training"]
    assert "of validation, on whom the epoch was chosen" in said["figure training"]
    assert b"fold 0" not in written["figures/training_train_loss.svg"]


def test_maps_are_of_one_encoder(radiographs):
    case = radiographs.cases[0]
    found = CaseMap(case.patient_id, case.split, b"", "0" * 64)
    provenance = replace(radiographs.provenance, maps=(found,))
    albums = list_albums(replace(radiographs, provenance=provenance))
    assert {
        album.caption.split(" A map")[0].split("group. ")[-1] for album in albums
    } == {"Grad-CAM at the last convolutional map of the encoder."}


def test_wrong_calls_show_one_score_once(written):
    header, _ = read_csv(written["tables/errors.csv"])
    assert header[:4] == ["Split", "Patient", "Outcome", "Score model"]
    assert not [name for name in header if "Side" in name or "SD" in name]


# --- whom the rule of the labels left without one -------------------------------------


@pytest.fixture(scope="module", params=[1, 5])
def agreed(request, tmp_path_factory):
    """A study of one model and one of folds, where labels are made by agreement."""
    config = radiograph_config(num_folds=request.param, reference="agreement")
    run = write_run(tmp_path_factory.mktemp("run") / "agreed", config=config)
    return request.param, load_study(run=run, options=Options(num_resamples=10))


def test_those_without_a_label_are_told_apart_from_those_learned_from(agreed):
    num_folds, study = agreed
    left = study.unscored_train.num_unlabelled
    assert left > 1
    nobody = f"{left} without a label by the rule and not learned from"
    taught = f"{40 - left} learned from, " if num_folds == 1 else ""
    said = f"{left} without label; without a score: {taught}{nobody})"
    for name in ("sizes", "flow", "partitions"):
        assert said in ANSWERS[name].write(study)
    headline = write_headline(study).measured
    assert headline.endswith(
        f" Of train, {left} patients are without a label by the rule, not learned from."
    )
    told = f"The model learned from {40 - left} other patients."
    assert (told in headline) == (num_folds == 1)


def test_the_flow_counts_those_without_a_label_once(agreed):
    num_folds, study = agreed
    left = study.unscored_train.num_unlabelled
    one_model = num_folds == 1
    table = list_flow(study)
    titles = [column.title for column in table.columns]
    absent = ["Learned from"] * one_model + ["Without label and score"]
    assert titles[: len(absent) + 3] == [
        *("Split", *absent, "Patients with a score", "Label unknown")
    ]
    train, *others = table.rows
    counts = (40 - left, left, 0) if one_model else (left, 40 - left)
    assert train[: len(absent) + 3] == ("train", *counts, left)
    assert {row[1 : len(absent) + 1] for row in others} == {(0,) * len(absent)}
    (panel,) = draw_flow(study)
    assert f"{40 if one_model else left} of train without" in panel.svg
    assert ("40 patients, no score" in panel.svg) == one_model
    lines = f"{40 - left} {'learned from' if one_model else 'scored'}"
    assert {lines, f"{left} without a label"} <= {*re.findall(r">([^<>]+)<", panel.svg)}


def test_agreement_counts_all_whom_both_called(agreed):
    _, study = agreed
    found = captions(list_sections(study, ()))["reader_pairs"]
    assert "all patients whom both called, with and without a label. " in found
    lost = captions(list_sections(replace(study, unscored=("X",)), ()))["reader_pairs"]
    assert "but for those of the cohort table without a score. " in lost


def test_of_whom_the_model_learned_from_unnamed_agreement_says_nothing(radiographs):
    unnamed = replace(radiographs, unscored_train=None)
    found = captions(list_sections(unnamed, ()))["reader_pairs"]
    assert "with and without a label, but for those whom the model learned" in found


# --- every cut-off -------------------------------------------------------------------


def test_rates_step_where_a_score_is_the_cut_off(radiographs, written):
    _, rows = read_csv(written["tables/curve_cutoffs.csv"])
    for row in radiographs.performances:
        cases = [c for c in radiographs.cases if c.split == row.split]
        found = [r for r in rows if r[0] == row.split]
        assert [float(r[2]) for r in found] == sorted(float(r[2]) for r in found)
        for _, _, cutoff, sensitivity, false in found:
            for label, share in ((1, sensitivity), (0, false)):
                scores = [c.scores["model"] for c in cases if c.label == label]
                called = sum(score >= float(cutoff) for score in scores)
                assert float(share) == pytest.approx(called / len(scores))


def test_the_three_cut_offs_are_lines_with_their_names(radiographs):
    for panel in draw_cutoffs(radiographs):
        for point in radiographs.operating_points:
            assert f"{point.name} {point.cutoff:.3f}" in panel.svg


def test_a_cut_off_that_calls_nobody_positive_is_named_and_not_drawn(radiographs):
    first, *others = radiographs.operating_points
    points = (replace(first, cutoff=float("inf")), *others)
    study = replace(radiographs, operating_points=points)
    assert len(list_lines(study)) == 2
    assert "Not drawn: “Youden”, which calls nobody" in show_cutoffs(study).caption


# --- readers --------------------------------------------------------------------------


def test_readers_are_stars_of_both_curves_and_named_close_up(written, said):
    for name in ("roc", "precision_recall"):
        assert "Hollow stars: readers alone; figure" in said[f"figure {name}"]
        assert "filled:" not in said[f"figure {name}"]
    for name in ("readers_2-validation", "readers_pr_2-validation"):
        assert b"local" in written[f"figures/{name}.svg"]


def test_readers_who_made_the_reference_are_doubted(radiographs, said):
    agreed = "local in external, central in external, third in validation"
    for name in ("figure roc", "figure readers", "reader_pairs"):
        assert (
            f"These say of every patient what the label says: {agreed}." in (said[name])
        )
    provenance = radiographs.provenance
    config = {**provenance.config, "data.reference": "readers"}
    made = replace(radiographs, provenance=replace(provenance, config=config))
    assert (
        "The label was made of readers' calls"
        in captions(list_sections(made, ()))["figure roc"]
    )


def test_agreement_is_a_table_and_in_the_record(radiographs, written):
    header, rows = read_csv(written["tables/reader_pairs.csv"])
    assert header[:5] == [
        *("Split", "First", "Second"),
        *("Disagreements, patients", "Disagreements, of"),
    ]
    assert [row[:3] for row in rows if row[0] == "validation"] == [
        ["validation", *pair]
        for pair in (
            *(("local", "central"), ("local", "third"), ("central", "third")),
            *((name, "final label") for name in ("local", "central", "third")),
        )
    ]
    record = json.loads(written["study.json"])["study"]
    assert len(record["reader_pairs"]) == len(rows)
    assert record["unscored_train"]["num_patients"] == 40
    assert record["selection"] == "validation"


# --- the machine's answers ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("technology", "a convolutional encoder (resnet50) of one view"),
        ("technology", "classifies a patient's radiograph"),
        ("inputs", "one radiograph of each patient (column image)"),
        ("preprocessing", "as DICOM (modality CR, DX, RG, OT), PNG or TIFF"),
        ("preprocessing", "a DICOM file's first window or table, else"),
        ("preprocessing", "224 x 224 and 512 x 512 and 768 x 768 pixels"),
        ("subsets", "The whole radiograph"),
        ("model", "pooled over pixels by maximum and by average"),
        ("model", "dropout 0.25, a hidden layer of 512 units"),
        ("initialization", "variance 2 / (number of inputs)"),
        ("training", "One model in 6 stages (stage 1: 100 epochs, rate 0.001"),
        ("training", "rate 0.0005 at the head, falling by depth to 5e-05 at the stem"),
        ("training", "batches of 84 (7 at a time), 768 pixels, encoders frozen"),
        ("training", "Images grew: 224, 512, 768 pixels."),
        ("training", "cross-entropy with label smoothing 0.1; the rate in one cycle"),
        ("augmentation", "rotation by up to 10 degrees, magnification by up to 1.1"),
        ("augmentation", "brightness by up to 20%, contrast by up to 20%, each with"),
        ("augmentation", "perspective, corners by up to 10% of the side"),
        ("augmentation", "beyond the image its reflection"),
        ("augmentation", "preset mixup, alpha 0.4, probability 1, the own image with"),
        ("selection", "the highest AUC of validation, from whom the model does not"),
        ("ensembling", "that of one model; no models are combined"),
        ("partitions", "One model learned from train and was validated on the split"),
        ("partitions", "where the table has no validation, it was held out from train"),
        ("partitions", "15% of its labelled patients, rounded up, stratified by class"),
        ("partitions", "0 without label; without a score: 40 learned from)"),
        ("disjointness", "Nobody whom the model learned from is scored"),
        ("training_performance", f"validation ({CHOSE}; 16 positive of 28)"),
        ("test_performance", "external (14 positive of 25)"),
        ("cross_tables", f"validation ({CHOSE}), Youden"),
        ("set_comparison", "age in train"),
        ("variability", "validation, local and central"),
    ],
)
def test_an_answer_is_that_of_one_radiograph_and_one_model(radiographs, name, facts):
    assert facts in ANSWERS[name].write(radiographs)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("label", "from the table's column label, as it stands."),
        ("grades", "grade 2 or more is on both sides, or 3 or more on one"),
        (
            "readers",
            "two or three readers: what two of them say; others have no label.",
        ),
        ("agreement", "two readers where they agree; others have no label."),
        ("auto", "of a table without one from grades"),
    ],
)
def test_the_reference_standard_says_its_rule(radiographs, rule, words):
    found = write(radiographs, "reference_standard", **{"data.reference": rule})
    assert words in found


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("percentiles", "[0, 1] by the percentiles 0.5 and 99.5,"),
        ("1", "by a DICOM file's window or table number 1,"),
        ("BONE", "by a DICOM file's window or table “BONE”,"),
    ],
)
def test_the_window_is_named(radiographs, window, words):
    change = {"radiograph.window": window}
    assert words in write(radiographs, "preprocessing", **change)


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("table", "column split. One model learned"),
        ("drawn", "column split, but validation was held out from train: 15% of its"),
        ("", "column split; where the table has no validation, it was held out from"),
    ],
)
def test_where_validation_comes_from_is_told_as_far_as_known(
    radiographs, origin, words
):
    provenance = replace(radiographs.provenance, validation=origin)
    found = ANSWERS["partitions"].write(replace(radiographs, provenance=provenance))
    assert f"Splits are those of the table's {words}" in found


def test_only_labelled_patients_are_held_out_and_sides_are_those_of_an_mri(
    radiographs,
):
    config = {"data.num_folds": 5, "data.kind": "radiograph", "data.sides": "both"}
    said = " is held out by exactly one fold"
    found = write(radiographs, "disjointness", **config)
    assert f"A labelled patient of train{said}" in found
    for sides, words in (("both", ", with both sides,"), ("whole", ""), ("left", "")):
        config |= {"data.kind": "mri", "data.sides": sides}
        found = write(radiographs, "disjointness", **config)
        assert f"A labelled patient of train{words}{said}" in found


def test_rates_fall_by_depth_only_where_parts_of_the_encoder_move(radiographs):
    change = {f"stages[{number}].stem_rate": 0.1 for number in range(6)}
    change |= {f"stages[{number}].frozen": "encoders" for number in range(6)}
    assert "depth" not in write(radiographs, "training", **change)
    change["stages[0].frozen"] = "convolutions"
    assert write(radiographs, "training", **change).count("by depth") == 1


NOTHING = {
    **{f"augmentation.{name}": 0.0 for name in ("rotation_degrees", "shift", "warp")},
    **{f"augmentation.{name}": 0.0 for name in ("brightness", "contrast")},
    "augmentation.zoom": 1.0,
    "augmentation.flip_probability": 0.0,
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "none"),
        ({"flip_probability": 0.5}, "flips with probability 0.5"),
        ({"quarter_turns": True}, "quarter turns"),
        ({"zoom": 1.1}, "magnification by up to 1.1, each with probability 0.75"),
        (
            {"flip_probability": 0.5, "rotation_degrees": 10.0, "independent": True},
            "flips with probability 0.5; rotation by up to 10 degrees, each with "
            "probability 0.75; beyond the image its reflection; drawn anew for each "
            "input",
        ),
    ],
)
def test_only_what_varies_is_called_augmentation(radiographs, change, words):
    changed = {f"augmentation.{name}": value for name, value in change.items()}
    found = write(radiographs, "augmentation", **{**NOTHING, **changed})
    assert found.startswith(f"Augmentation: {words}. Samples were ")


def test_two_views_are_two_encoders(radiographs):
    change = {"data.sequences": ["ap", "oblique"]}
    assert "one for each of 2 views" in write(radiographs, "technology", **change)
    assert "radiographs of 2 views (ap, oblique)" in (
        write(radiographs, "inputs", **change)
    )


def test_trained_batch_normalization_is_named(radiographs):
    change = {"stages[0].frozen": "convolutions"}
    found = write(radiographs, "training", **change)
    assert "encoders frozen but for their batch normalization" in found


def test_no_patient_of_another_split_is_told_to_have_chosen(radiographs):
    drawn = replace(radiographs, selection="")
    assert "of patients held out from train" in ANSWERS["selection"].write(drawn)


def test_the_config_of_these_tests_is_valid():
    radiograph_config().validate()
