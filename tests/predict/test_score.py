"""New patients: the numbers of training, one bad patient, one alone, refusals."""

import dataclasses
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import negspa_jax
from negspa_jax.columns import FEATURES
from negspa_jax.csv_table import format_table, read_table
from negspa_jax.data.errors import CaseError, CohortError
from negspa_jax.data.kinds import KINDS
from negspa_jax.evaluate import Options
from negspa_jax.predict.__main__ import main
from negspa_jax.predict.cohort_scores import score_patients
from negspa_jax.predict.copies import list_copies, vary_images
from negspa_jax.predict.result import score_clinic
from negspa_jax.predict.run_model import open_run_model
from negspa_jax.predictions import read_predictions, write_predictions
from tests.train.tiny import use_tiny_encoder

ROLES = ("t1w", "fs", "rvoi")


def read_rows(path) -> list[dict[str, str]]:
    return [row.cells for row in read_table(Path(path), key="patient_id").rows]


def write_rows(path, rows) -> Path:
    columns = list(rows[0])
    path.write_text(format_table(columns, [[r[c] for c in columns] for r in rows]))
    return path


@pytest.fixture(scope="session")
def new_rows(trained_run) -> list[dict[str, str]]:
    """The run's test patients as new ones: absolute paths, neither split nor label."""
    folder = trained_run.parent / "cohort"
    rows = []
    for row in read_rows(folder / "cohort.csv"):
        if row["split"] == "internal":
            row |= {role: str(folder / row[role]) for role in ROLES}
            dropped = ("split", "label", "t2w", "lesions")
            rows.append({k: v for k, v in row.items() if k not in dropped})
    return rows


@pytest.fixture(scope="session")
def scores(trained_run, new_rows, tmp_path_factory) -> Path:
    """What the door writes of all of them."""
    out = tmp_path_factory.mktemp("scores")
    table = write_rows(out / "new.csv", new_rows)
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        code = main([f"--run={trained_run}", f"--cohort={table}", f"--out={out}"])
    assert code == 0
    return out


def by_place(table):
    return {(row.patient_id, row.fold, row.side): row.score for row in table}


# --- the numbers ----------------------------------------------------------------------


def test_scores_are_those_of_training_to_the_last_digit(scores, trained_run):
    got = by_place(read_predictions(scores / "predictions.csv"))
    known = by_place(read_predictions(trained_run / "predictions.csv"))
    assert len(got) == 4 * 3 * 3  # patients, folds and mean, sides and both
    assert got == {place: known[place] for place in got}


def test_predictions_have_the_columns_of_training(scores, trained_run):
    def header(path):
        return path.read_text().splitlines()[0].split(",")

    wanted = header(trained_run / "predictions.csv")
    assert set(header(scores / "predictions.csv")) <= set(wanted)
    assert header(scores / "predictions.csv")[:6] == wanted[:6]
    rows = read_predictions(scores / "predictions.csv")
    assert {(row.split, row.label) for row in rows} == {("all", None)}


def test_a_patient_alone_has_the_score_that_he_or_she_has_among_others(
    scores, trained_run, new_rows
):
    known = by_place(read_predictions(scores / "predictions.csv"))
    model = negspa_jax.load(trained_run)
    for cells in new_rows[::-1]:
        result = model.predict(model.read_cells(cells))
        assert by_place(result.table).items() <= known.items()
        assert result.score == known[cells["patient_id"], "mean", "both"]


def test_the_summary_has_one_row_a_patient_and_says_what_is_decided(
    scores, trained_run
):
    known = by_place(read_predictions(scores / "predictions.csv"))
    points = negspa_jax.load(trained_run).points
    rows = read_rows(scores / "summary.csv")
    assert len(rows) == 4
    for row in rows:
        name = row["patient_id"]
        folds = [known[name, fold, "both"] for fold in (0, 1)]
        assert float(row["image"]) == known[name, "mean", "both"]
        assert float(row["image_sd"]) == pytest.approx(np.std(folds, ddof=1))
        assert [float(row["image_min"]), float(row["image_max"])] == sorted(folds)
        fused = (float(row["image"]) + float(row["clinical"])) / 2
        assert float(row["fused"]) == pytest.approx(fused)
        for point in points:
            if point.score in ("image", "clinical", "fused"):
                called = float(row[point.score]) >= point.cutoff
                assert row[f"{point.score}:{point.name}"] == str(int(called))
        with Image.open(scores / row["picture"]) as sheet:
            assert sheet.width > 4 * 240


def test_the_page_shows_every_patient_and_needs_no_network(scores):
    page = (scores / "summary.html").read_text()
    for row in read_rows(scores / "summary.csv"):
        assert f">{row['patient_id']}</a>" in page
        assert f'src="{row["picture"]}"' in page
    assert "not a medical device" in page
    assert "http" not in page
    assert "<script" not in page


# --- clinical features ----------------------------------------------------------------


@pytest.mark.parametrize(("count", "wanted"), [(0, 0.0), (1, 0.5), (4, 11 / 16)])
def test_the_clinical_score_is_equation_9(new_rows, trained_run, count, wanted):
    features = {name: str(int(i < count)) for i, name in enumerate(FEATURES)}
    model = negspa_jax.load(trained_run)
    patient = model.read_cells({**new_rows[0], **features})
    assert score_clinic(patient, missing="error") == (wanted, ())


def test_a_feature_without_a_value_leaves_no_clinical_score_unless_it_is_absent(
    new_rows, trained_run
):
    model = negspa_jax.load(trained_run)
    patient = model.read_cells(
        {**new_rows[0], **dict.fromkeys(FEATURES, "1"), "ibd": ""}
    )
    assert score_clinic(patient, missing="error") == (None, ("ibd",))
    assert score_clinic(patient, missing="absent") == (15 / 16, ("ibd",))
    nothing = model.read_cells({**new_rows[0], **dict.fromkeys(FEATURES, "")})
    assert score_clinic(nothing, missing="absent") == (None, FEATURES)
    result = model.predict(nothing)
    assert result.fused is None
    assert {call.score for call in result.calls} == {"image"}


# --- one bad patient ------------------------------------------------------------------


def test_one_bad_patient_costs_no_other_a_score(
    scores, trained_run, new_rows, tmp_path, capsys
):
    rows = [dict(row) for row in new_rows]
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(Path(rows[1]["fs"]).read_bytes()[:-200])
    rows[1]["fs"] = str(broken)
    rows[2]["t1w"] = str(tmp_path / "nowhere.nii.gz")
    table = write_rows(tmp_path / "new.csv", rows)
    code = main([f"--run={trained_run}", f"--cohort={table}", f"--out={tmp_path}"])
    assert code == 3
    failed = read_rows(tmp_path / "failures.csv")
    assert {row["patient_id"] for row in failed} == {
        rows[1]["patient_id"],
        rows[2]["patient_id"],
    }
    cause = {row["patient_id"]: row for row in failed}[rows[1]["patient_id"]]
    assert cause["file"] == str(broken)
    assert "truncated" in cause["reason"]
    known = by_place(read_predictions(scores / "predictions.csv"))
    got = by_place(read_predictions(tmp_path / "predictions.csv"))
    assert len(got) == 2 * 3 * 3
    assert got.items() <= known.items()
    printed = capsys.readouterr()
    assert "Scored 2 of 4 patients" in printed.out
    assert "nowhere.nii.gz" in printed.err


def test_where_nobody_can_be_scored_an_earlier_table_does_not_stay(
    trained_run, new_rows, tmp_path
):
    (tmp_path / "predictions.csv").write_text("of another day")
    (tmp_path / "record.json").write_text("{}")
    gone = [{**row, "t1w": f"gone_{i}.nii.gz"} for i, row in enumerate(new_rows)]
    table = write_rows(tmp_path / "new.csv", gone)
    code = main([f"--run={trained_run}", f"--cohort={table}", f"--out={tmp_path}"])
    assert code == 3
    assert not (tmp_path / "predictions.csv").exists()
    assert len(read_rows(tmp_path / "failures.csv")) == 4


def test_a_mistake_of_the_program_itself_is_told_as_such(
    trained_run, new_rows, monkeypatch
):
    model = negspa_jax.load(trained_run)
    patients = [model.read_cells(row) for row in new_rows[:2]]

    def decode(self, patient):
        if patient is patients[0]:
            raise IndexError("no such axis")
        return real(self, patient)

    real = type(model).decode
    monkeypatch.setattr(type(model), "decode", decode)
    first, second = score_patients(model, patients, finish=lambda result: result)
    assert "IndexError: no such axis" in first.reason
    assert "please report this" in first.reason
    assert 0 < second.score < 1


def test_what_fails_after_decoding_costs_one_patient_too(
    trained_run, new_rows, monkeypatch
):
    model = negspa_jax.load(trained_run)
    patients = [model.read_cells(row) for row in new_rows[:3]]

    def finish(result):
        if result.patient is patients[1]:
            raise OSError("File name too long")
        return result.score

    found = list(score_patients(model, patients, finish=finish))
    assert "OSError: File name too long" in found[1].reason
    assert 0 < found[0] < 1
    assert 0 < found[2] < 1


def test_a_long_id_in_any_script_has_a_picture(trained_run, new_rows, tmp_path):
    rows = [
        {**row, "patient_id": f"患者番号{i}" * 12} for i, row in enumerate(new_rows)
    ]
    table = write_rows(tmp_path / "new.csv", rows)
    code = main([f"--run={trained_run}", f"--cohort={table}", f"--out={tmp_path}"])
    assert code == 0
    summary = read_rows(tmp_path / "summary.csv")
    assert len({row["picture"] for row in summary}) == 4
    assert all((tmp_path / row["picture"]).is_file() for row in summary)


def test_an_empty_window_is_refused_by_name(trained_run, new_rows, tmp_path):
    model = negspa_jax.load(trained_run)
    patient = model.read_cells(new_rows[0])
    crops = model.decode(patient)
    blank = crops.images.copy()
    blank[1, 0] = 0
    empty = dataclasses.replace(crops, images=blank)
    kinds = {"mri": dataclasses.replace(KINDS["mri"], decode=lambda *_, **__: empty)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("negspa_jax.predict.model.KINDS", kinds)
        with pytest.raises(CaseError, match=r"right window, but it is empty \(all 0\)"):
            model.decode(patient)


# --- one patient ----------------------------------------------------------------------


def flags_of(cells, *names) -> list[str]:
    return [f"--{name}={cells[name]}" for name in names]


def test_one_patient_needs_no_table(trained_run, new_rows, scores, capsys):
    cells = new_rows[0]
    code = main([f"--run={trained_run}", *flags_of(cells, *ROLES)])
    printed = capsys.readouterr().out
    known = by_place(read_predictions(scores / "predictions.csv"))
    wanted = known[cells["patient_id"], "mean", "both"]
    assert code == 0
    assert f"patient patient: probability of positive {wanted:.3f}" in printed
    assert "not a medical device" in printed


def test_a_flag_and_its_value_may_be_two_words(trained_run, new_rows, tmp_path):
    words = [word for role in ROLES for word in (f"--{role}", new_rows[0][role])]
    features = [f"--{name}=1" for name in FEATURES]
    code = main(["--run", str(trained_run), *words, *features, "--out", str(tmp_path)])
    assert code == 0
    (row,) = read_rows(tmp_path / "summary.csv")
    assert row["patient_id"] == "patient"
    assert row["clinical"] == "1.0"


def test_six_clicks_stand_for_a_mask(trained_run, new_rows, tmp_path):
    cells = {k: v for k, v in new_rows[0].items() if k != "rvoi"}
    clicks = {
        "rvoi_corners": "14,46; 50,46; 50,20; 14,20",
        "rvoi_first": "2",
        "rvoi_last": "4",
        "rvoi_sequence": "t1w",
    }
    model = negspa_jax.load(trained_run)
    result = model.predict(model.read_cells(cells | clicks))
    named = {k: v for k, v in cells.items() if k in ("t1w", "fs")}
    again = model.predict(model.read_patient("x", **named, **clicks))
    assert 0 < result.score < 1
    assert result.score == again.score


def test_python_takes_the_columns_of_a_table(trained_run, new_rows):
    model = negspa_jax.load(str(trained_run))
    files = {role: Path(new_rows[0][role]) for role in ROLES}
    features = {"elevated_crp": True, "uveitis": 0, "ibd": None, "age": float("nan")}
    patient = model.read_patient("017", **files, **features)
    assert patient.features["elevated_crp"] == 1
    assert patient.features["uveitis"] == 0
    assert patient.features["ibd"] is None
    assert patient.covariates["age"] is None
    result = model.predict(patient)
    assert (result.sides, result.folds) == (("left", "right"), (0, 1))
    assert result.scores.shape == (2, 2)
    assert result.maps.shape == (2, 2, 16, 16)
    assert result.patient.patient_id == "017"


def test_all_that_is_wrong_with_one_patient_is_told_at_once(trained_run, new_rows):
    model = negspa_jax.load(trained_run)
    with pytest.raises(CohortError) as caught:
        model.read_patient("017", t1w="gone.nii.gz", rvoi=new_rows[0]["rvoi"], age="x")
    told = "\n".join(caught.value.problems)
    assert "column t1w: must be the path of a file" in told
    assert "column fs of the sequences is missing" in told
    assert "column age: must be a number" in told


# --- test-time augmentation -----------------------------------------------------------


def test_copies_are_scored_beside_the_score_which_stays(trained_run, new_rows):
    model = negspa_jax.load(trained_run)
    patient = model.read_cells(new_rows[0])
    plain, varied = model.predict(patient), model.predict(patient, augment=True)
    assert plain.variation is None
    assert varied.score == plain.score
    crops = model.decode(patient)
    scores = [plain.score]
    for copy in list_copies(model.config):
        images = vary_images(crops.images, *copy, border="zero")
        moved = dataclasses.replace(crops, images=images)
        scores.append(model.predict_crops(patient, moved).score)
    assert len(set(scores)) == 10  # mirrored or not, in five places
    assert varied.variation.count == 10
    assert varied.variation.mean == pytest.approx(np.mean(scores), abs=1e-12)
    assert varied.variation.spread == pytest.approx(np.std(scores, ddof=1), abs=1e-12)


def test_copies_are_mirrored_and_moved_with_zeros_behind_them():
    images = np.arange(2 * 16, dtype=np.float32).reshape(1, 2, 4, 4, 1) + 1
    vary = partial(vary_images, images, border="zero")
    mirrored = vary(True, 0, 0)
    np.testing.assert_array_equal(mirrored, images[:, :, :, ::-1])
    down = vary(False, 1, 0)
    np.testing.assert_array_equal(down[:, :, 1:], images[:, :, :-1])
    assert not down[:, :, 0].any()
    left = vary(False, 0, -2)
    np.testing.assert_array_equal(left[:, :, :, :2], images[:, :, :, 2:])
    assert not left[:, :, :, 2:].any()
    np.testing.assert_array_equal(vary(False, 0, 0), images)


def test_copies_of_a_model_that_saw_reflected_borders_have_them_too():
    images = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4, 1)
    down = vary_images(images, False, 1, 0, border="reflect")
    np.testing.assert_array_equal(down[0, 0, 0], images[0, 0, 1])
    np.testing.assert_array_equal(down[0, 0, 1:], images[0, 0, :-1])


def test_a_model_that_never_saw_a_copy_scores_none(trained_run):
    config = negspa_jax.load(trained_run).config
    still = dataclasses.replace(config.augmentation, flip_probability=0.0, shift=0.0)
    with pytest.raises(ValueError, match="trained without mirroring and shifting"):
        list_copies(dataclasses.replace(config, augmentation=still))
    flips = dataclasses.replace(config.augmentation, shift=0.0)
    alone = dataclasses.replace(config, augmentation=flips)
    assert list_copies(alone) == ((True, 0, 0),)


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--t1w=a.nii.gz"], "--run=DIR or --bundle=DIR must be given, got neither"),
        (["--run={run}", "--bundle=x", "--t1w=a"], "must be given, got both"),
        (["--bundle={run}", "--t1w=a"], "must be a bundle, got a run: --run="),
        (["--run={run}"], "--cohort=FILE must be given, or one patient's files"),
        (["--run={run}", "--cohort=c.csv", "--t1w=a"], "got --t1w beside it"),
        (["--run={run}", "--cohort=c.csv"], "--out must be given"),
        (["--run={run}", "--cohort=gone.csv", "--out={out}"], "gone.csv"),
        (["--run={run}", "--t1w=a", "--ouput=b"], "--ouput is no flag: did you mean"),
        (["--run={run}", "--t1w=a", "--arthritis_=1"], "did you mean arthritis?"),
        (["--run={run}", "--t1w=a", "--crop=1,2,3,4"], "'crop' is none of these"),
        (["--run={run}", "--t1w=a", "--out={run}/folds.csv"], "must be a folder, got"),
        (["--run=nowhere", "--t1w=a"], "must be the directory of a training run"),
        (["--bundle={out}", "--t1w=a"], "must be a bundle, but it has no SHA256SUMS"),
        (["--bundle={out}", "--t1w=a", "--positive=x"], "--positive is of a run"),
        (["--run={run}", "--t1w=a", "b"], "every argument must be a --flag"),
        (["--run={run}", "--t1w=a", "--out={run}"], "must be a folder of its own"),
        (["--run={run}", "--t1w", "--fs=b"], "--t1w must have a value"),
        (["--run={run}", "--t1w=a", "--t1w=b"], "--t1w must be given once"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(
    trained_run, tmp_path, capsys, words, wanted
):
    filled = [word.format(run=trained_run, out=tmp_path) for word in words]
    assert main(filled) == 2
    told = capsys.readouterr().err
    assert told.startswith("score: ")
    assert wanted in told
    assert "Traceback" not in told


def test_images_that_the_model_learned_from_are_told(trained_run, new_rows):
    model = negspa_jax.load(trained_run)
    folder = trained_run.parent / "cohort"
    row = next(r for r in read_rows(folder / "cohort.csv") if r["split"] == "train")
    paths = {role: folder / row[role] for role in ROLES}
    warnings = model.predict(model.read_patient(**paths)).warnings
    (told,) = [line for line in warnings if "learned from" in line]
    assert "this very t1w, fs, so that the score is no test of it" in told
    fresh = model.predict(model.read_cells(new_rows[0])).warnings
    assert not [line for line in fresh if "learned from" in line]


def test_a_run_with_an_empty_feature_still_scores_images(run_copy, new_rows):
    path = run_copy / "predictions.csv"
    table = read_predictions(path)
    name = table[0].patient_id
    write_predictions(
        path,
        [
            dataclasses.replace(row, extra={**row.extra, "ibd": ""})
            if row.patient_id == name
            else row
            for row in table
        ],
    )
    model = negspa_jax.load(run_copy)
    assert {point.score for point in model.points} == {"model"}
    assert "nine features were not all known" in model.doubts[-1]
    result = model.predict(model.read_cells(new_rows[0]))
    assert [call.score for call in result.calls] == ["model"] * 3
    absent = open_run_model(run_copy, Options(missing="absent"))
    assert {p.score for p in absent.points} == {"image", "clinical", "fused"}
    bundle = run_copy.parent / "model"
    assert main(["export", f"--run={run_copy}", f"--out={bundle}"]) == 0
    assert negspa_jax.load(bundle).points == model.points


def test_a_run_without_labels_outside_its_tests_says_that_nothing_is_decided(run_copy):
    path = run_copy / "predictions.csv"
    rows = [row for row in read_predictions(path) if row.split == "internal"]
    write_predictions(path, rows)
    model = negspa_jax.load(run_copy)
    assert model.points == ()
    assert "no operating point" in model.doubts[-1]


def test_somebody_elses_table_is_not_overwritten(trained_run, new_rows, tmp_path):
    (tmp_path / "summary.csv").write_text("mine")
    table = write_rows(tmp_path / "new.csv", new_rows)
    assert main([f"--run={trained_run}", f"--cohort={table}", f"--out={tmp_path}"]) == 2
    assert (tmp_path / "summary.csv").read_text() == "mine"


def test_earlier_results_do_not_stay_beside_new_ones(trained_run, new_rows, tmp_path):
    words = [f"--run={trained_run}", f"--out={tmp_path / 'scores'}"]
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "notes.txt").write_text("mine")
    for rows in (new_rows, new_rows[:1]):
        table = write_rows(tmp_path / "new.csv", rows)
        assert main([*words, f"--cohort={table}"]) == 0
    pictures = [path.name for path in (tmp_path / "scores" / "maps").iterdir()]
    assert pictures == [f"{new_rows[0]['patient_id']}.png"]
    assert (tmp_path / "scores" / "notes.txt").exists()


def test_what_a_table_lacks_is_told(trained_run, new_rows, tmp_path, capsys):
    rows = [{**row, "ibd": "", "artritis": "1"} for row in new_rows]
    table = write_rows(tmp_path / "new.csv", rows)
    assert main([f"--run={trained_run}", f"--cohort={table}", f"--out={tmp_path}"]) == 0
    told = capsys.readouterr().err
    assert "'artritis' is not read: did you mean 'arthritis'?" in told
    assert "4 of 4 patients have no clinical score: without a value are ibd" in told
    assert {row["lacking"] for row in read_rows(tmp_path / "summary.csv")} == {"ibd"}


def test_patients_whom_the_model_learned_from_are_not_scored_anew(
    trained_run, tmp_path, capsys
):
    cohort = trained_run.parent / "cohort" / "cohort.csv"
    code = main([f"--run={trained_run}", f"--cohort={cohort}", f"--out={tmp_path}"])
    assert code == 2
    told = capsys.readouterr().err
    assert "column split: must not be train" in told
    assert "got 8 such" in told
    model = negspa_jax.load(trained_run)
    row = read_rows(cohort)[0]
    paths = {role: str(cohort.parent / row[role]) for role in ROLES}
    patient = model.read_cells({"split": row["split"], **paths})
    with pytest.raises(ValueError, match="must not be of the split train"):
        model.predict(patient)


def test_a_table_that_lacks_a_sequence_is_refused_whole(
    trained_run, new_rows, tmp_path, capsys
):
    rows = [{k: v for k, v in row.items() if k != "fs"} for row in new_rows]
    table = write_rows(tmp_path / "new.csv", rows)
    assert main([f"--run={trained_run}", f"--cohort={table}", f"--out={tmp_path}"]) == 2
    told = capsys.readouterr().err
    assert "column fs of the sequences is missing; the model's are t1w, fs" in told
    assert "--config" not in told


def test_a_run_that_lost_its_fingerprint_says_how_to_get_it_back(run_copy, capsys):
    (run_copy / "fingerprint.json").unlink()
    assert main([f"--run={run_copy}", "--t1w=a"]) == 2
    told = capsys.readouterr().err
    assert "fingerprint.json" in told
    assert "repeat the run's command" in told


def test_help_names_the_flags_of_each_command(capsys):
    assert main(["--help"]) == 0
    assert "serve --bundle" in capsys.readouterr().out
    for name in ("score", "export", "serve", "gradcam"):
        assert main([name, "--help"]) == 0
        assert f"{name}: " in capsys.readouterr().out


def test_a_run_that_moved_is_opened_where_it_is(trained_run, new_rows, tmp_path):
    moved = shutil.copytree(trained_run, tmp_path / "moved")
    model, there = negspa_jax.load(trained_run), negspa_jax.load(moved)
    patient = model.read_cells(new_rows[0])
    assert there.predict(patient).score == model.predict(patient).score
    assert there.name == "moved"
