"""The page without a browser: files, region, features, result, and what is kept."""

import io
import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negspa_jax.columns import FEATURES
from negspa_jax.data.rvoi import draw_rvoi
from negspa_jax.data.volume import read_volume
from negspa_jax.predict import serve
from negspa_jax.predict.model_file import USE
from negspa_jax.predict.serve import outcome
from negspa_jax.predict.serve.outcome import draw_bars
from negspa_jax.predict.serve.pictures import orient_view, paint_slices
from negspa_jax.predict.serve.words import FEATURE_WORDS
from tests.predict.serving import (
    REGION,
    SPACING,
    QuickModel,
    Visit,
    quick_model,
    write_volume,
)

ALL_ABSENT = dict.fromkeys(FEATURES, "0")


@pytest.fixture
def visit(make):
    return Visit.begin(make())


def send_all(visit, tmp_path):
    for seed, role in enumerate(("t1w", "fs")):
        path = write_volume(tmp_path / f"{role}.nii.gz", seed=seed)
        assert visit.send(role, path).status_code == 200


def score(visit, tmp_path, features=None, **wish):
    send_all(visit, tmp_path)
    assert visit.post("region", REGION).status_code == 200
    told = visit.post("score", {"features": features or {}} | wish)
    assert told.status_code == 200, told.json
    return visit.wait()


# --- pictures -------------------------------------------------------------------------


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, 1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_however_a_volume_is_stored_the_patients_right_is_on_the_left(
    tmp_path, flips, order
):
    # A bright corner at the right, the head, and the front.
    world = np.zeros((6, 3, 8), np.int16)
    world[-1, :, -1] = 9
    linear = np.diag(SPACING)[:, order] * flips
    stored = world.transpose(order)[tuple(slice(None, None, flip) for flip in flips)]
    affine = np.eye(4)
    affine[:3, :3] = linear
    path = write_volume(tmp_path / "a.nii", affine=affine, shape=stored.shape)
    volume = read_volume(path, patient_id="")
    volume.data[:] = stored
    view = orient_view(volume.data.shape, volume.affine)
    assert [view.marks[edge] for edge in ("left", "right", "top", "bottom")] == [
        *("R", "L", "S", "I")
    ]
    slices = paint_slices(volume, view)
    assert slices.shape == (3, 8, 6)
    assert np.argwhere(slices[1]).tolist() == [[0, 0]]
    assert view.spacing_mm == (SPACING[0], SPACING[2])


def test_a_slice_is_sent_as_a_picture_of_its_voxels(visit, tmp_path):
    path = write_volume(tmp_path / "a.nii.gz")
    name = visit.send("t1w", path).json["files"]["t1w"]["name"]
    answer = visit.get(f"slice/{name}/3.png")
    picture = np.asarray(Image.open(io.BytesIO(answer.data)))
    data = read_volume(path, patient_id="").data[::-1, 3, ::-1].T
    assert picture.shape == data.shape
    assert np.corrcoef(picture.ravel(), data.ravel())[0, 1] > 0.999
    assert visit.get(f"slice/{name}/7.png").status_code == 404


def test_nearly_cubic_voxels_are_shown_in_coronal_slices():
    view = orient_view((60, 70, 80), np.diag((1.0, 1.1, 1.0, 1.0)))
    assert (view.through, view.count) == (1, 70)
    assert orient_view((60, 70, 80), np.eye(4), plane="axial").through == 2


# --- region and features --------------------------------------------------------------


def test_six_clicks_reach_the_model_as_the_region_that_was_drawn(make, tmp_path):
    asked = []

    class Recording(QuickModel):
        def predict(self, patient, *, augment=False):
            asked.append(draw_rvoi(patient.clicks).data)
            return super().predict(patient, augment=augment)

    model = quick_model()
    visit = Visit.begin(make(Recording(**vars(model))))
    assert score(visit, tmp_path)["state"] == "done"
    wanted = np.zeros_like(asked[0])
    wanted[4:20, 2:5, 5:15] = True
    assert (asked[0] == wanted).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"corners": [[4, 5], [19, 14], [19, 5], [4, 14]]}, "two edges cross"),
        ({"corners": [[4, 5], [19, 5], [19, 14]]}, "four corners, got 3"),
        ({"corners": [[4, 5], [99, 5], [19, 14], [4, 14]]}, "inside the slice"),
        ({"corners": [[4, 5], [float("nan"), 5], [1, 1], [4, 14]]}, "finite"),
        ({"corners": [[4, "5"], [1, 5], [1, 1], [4, 14]]}, "numbers"),
        ({"corners": "4,5"}, "list of points"),
        ({"first": 5, "last": 2}, "first <= last"),
        ({"first": None}, "press its button"),
        ({"last": 2.5}, "press its button"),
        ({"sequence": "t2w"}, "on a volume that is there"),
        ({"sequence": ["t1w"]}, "on a volume that is there"),
        ({"corners": [[4, 5], [10**400, 5], [19, 14], [4, 14]]}, "finite numbers"),
        ({"last": 10**400}, "slice"),
    ],
)
def test_clicks_that_make_no_region_are_refused_in_a_sentence(
    visit, tmp_path, change, sentence
):
    send_all(visit, tmp_path)
    answer = visit.post("region", REGION | change)
    assert answer.status_code in (400, 422)
    assert sentence in answer.json["problems"][0]
    assert visit.get("state").json["region"] == {}


def test_a_mask_stands_for_the_clicks_and_clicks_for_a_mask(visit, tmp_path):
    send_all(visit, tmp_path)
    visit.post("region", REGION)
    mask = write_volume(tmp_path / "m.nii.gz", mask=True)
    told = visit.send("rvoi", mask).json
    assert told["region"] == {}
    assert "480 of them in the region" in told["files"]["rvoi"]["said"]
    visit.post("score")
    assert visit.wait()["state"] == "done"
    assert "rvoi" not in visit.post("region", REGION).json["files"]


def test_a_volume_that_is_replaced_takes_its_clicks_and_the_result_along(
    visit, tmp_path
):
    score(visit, tmp_path)
    told = visit.send("t1w", write_volume(tmp_path / "b.nii.gz", seed=9)).json
    assert told["region"] == {}
    assert told["job"] is None
    assert visit.get("result.json").status_code == 404


@pytest.mark.parametrize(
    "features", [{"gout": "1"}, {"uveitis": "2"}, {"uveitis": 1}, "uveitis"]
)
def test_features_are_yes_no_or_not_known(visit, tmp_path, features):
    send_all(visit, tmp_path)
    visit.post("region", REGION)
    assert visit.post("score", {"features": features}).status_code == 400


def test_what_is_missing_is_said_before_anything_is_computed(visit, tmp_path):
    assert "t1w, fs are still missing" in visit.post("score").json["problems"][0]
    send_all(visit, tmp_path)
    assert "region of interest is missing" in visit.post("score").json["problems"][0]


def test_every_feature_of_the_table_has_words():
    assert tuple(FEATURE_WORDS) == FEATURES


# --- result ---------------------------------------------------------------------------


def test_the_result_says_flags_first_then_score_folds_sides_and_calls(visit, tmp_path):
    score(visit, tmp_path, ALL_ABSENT | {"uveitis": "1"})
    text = visit.get("result").text
    assert text.index("never seen") < text.index("0.685")
    assert "&lt;b&gt;slices" in text
    assert "± 0.042" in text
    report = visit.get("result.json").json
    assert report["sides"] == {"left": pytest.approx(0.6), "right": pytest.approx(0.77)}
    assert [fold["score"] for fold in report["folds"]] == pytest.approx([0.715, 0.655])
    assert report["fused"] == pytest.approx((report["score"] + report["clinical"]) / 2)
    assert report["warnings"][0] == "t1w: is faint"
    assert "No diagnosis may rest on its output" in report["caution"]
    assert text.index('<th scope="col">Right') < text.index('<th scope="col">Left')


def test_without_features_the_result_says_which_are_lacking(visit, tmp_path):
    score(visit, tmp_path, {"uveitis": "1"})
    text = visit.get("result").text
    assert "No clinical score" in text
    assert "Elevated CRP" in text
    assert "Present: Uveitis." in text


def test_cutoffs_that_lie_close_share_one_name(visit, tmp_path):
    score(visit, tmp_path)
    image = draw_bars(visit.get("result.json").json)[0]
    assert [tick["cutoff"] for tick in image["ticks"]] == [0.31, 0.52, 0.54]
    assert [name["text"] for name in image["names"]] == ["1", "2, 3"]


def test_numbers_and_picture_can_be_downloaded_and_name_no_file(visit, tmp_path):
    send_all(visit, tmp_path)
    named = write_volume(tmp_path / "Erika_Muster.nii.gz", seed=3)
    visit.send("t1w", named, name="Erika_Muster.nii.gz")
    visit.post("region", REGION)
    visit.post("score")
    visit.wait()
    numbers = visit.get("result.json")
    assert "attachment" in numbers.headers["Content-Disposition"]
    assert "Erika" not in numbers.text
    picture = visit.get("result.png?download")
    assert "attachment" in picture.headers["Content-Disposition"]
    assert Image.open(io.BytesIO(picture.data)).format == "PNG"


def test_the_result_says_which_region_was_scored(visit, tmp_path):
    score(visit, tmp_path)
    assert visit.get("result.json").json["region"] == {
        "source": "clicks",
        "sequence": "t1w",
        "axis": "j",
        "corners": REGION["corners"],
        "first": 2,
        "last": 4,
    }
    text = visit.get("result").text
    assert "corners 4, 5; 19, 5; 19, 14; 4, 14 (voxels from 0), drawn on t1w" in text
    assert "slices 2 to 4." in text
    mask = write_volume(tmp_path / "m.nii.gz", mask=True)
    visit.send("rvoi", mask, name="<Erika>.nii.gz")
    visit.post("score")
    visit.wait()
    report = visit.get("result.json")
    assert report.json["region"] == {"source": "mask"}
    assert "Erika" not in report.text
    assert "the region of the mask &lt;Erika&gt;.nii.gz." in visit.get("result").text


def test_a_box_on_a_volume_is_refused_in_a_sentence(visit, tmp_path):
    send_all(visit, tmp_path)
    visit.send("rvoi", write_volume(tmp_path / "m.nii.gz", mask=True))
    for view in ("t1w", "rvoi"):
        for box in ([0, 0, 1, 1], None):
            answer = visit.post("crop", {"view": view, "box": box})
            assert answer.status_code == 400
            assert "on a radiograph that is there" in answer.json["problems"][0]


def test_a_mistake_in_the_files_is_told_without_our_paths(make, tmp_path):
    visit = Visit.begin(make())
    send_all(visit, tmp_path)
    far = np.diag((*SPACING, 1.0))
    far[:3, 3] = 900
    mask = write_volume(tmp_path / "m.nii.gz", mask=True, affine=far)
    visit.send("rvoi", mask)
    visit.post("score")
    job = visit.wait()
    assert job["state"] == "failed"
    assert "lies outside" in job["problems"][0]
    assert "/" not in job["problems"][0]


def test_radiographs_need_no_region_and_take_a_box_in_the_files_pixels(make, tmp_path):
    visit = Visit.begin(make(quick_model(kind="radiograph", sequences=("image",))))
    grey = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    told = visit.send("image", tmp_path / "a.png", name="a.png").json
    assert told["files"]["image"]["view"]["pixels"] == [40, 60]
    told = visit.post("crop", {"view": "image", "box": [0.25, 0.1, 0.75, 0.9]}).json
    assert told["crops"] == {"crop:image": "10,6,30,54"}
    for box in ([0.5, 0.1, 0.5, 0.9], [0.1, 0.2], "whole", [0, 0, 1, None]):
        assert visit.post("crop", {"view": "image", "box": box}).status_code == 400
    visit.post("score")
    assert visit.wait()["state"] == "done"
    assert visit.get("result.json").json["region"] is None
    assert visit.get("result.json").json["crops"] == {"image": [10, 6, 30, 54]}
    assert "image, the box 10, 6, 30, 54" in visit.get("result").text
    assert visit.post("crop", {"view": "image", "box": None}).json["crops"] == {}
    visit.post("score")
    assert visit.wait()["state"] == "done"
    assert visit.get("result.json").json["crops"] == {"image": None}
    assert "image, the whole picture" in visit.get("result").text
    answer = visit.post("region", REGION | {"sequence": "image"})
    assert answer.status_code == 400
    assert "on a volume that is there" in answer.json["problems"][0]
    assert visit.send("rvoi", tmp_path / "a.png").status_code == 404


# --- limits and ends ------------------------------------------------------------------


class SlowModel(QuickModel):
    """Waits until it is let go."""

    def predict(self, patient, *, augment=False):
        GATE.wait(20)
        return super().predict(patient, augment=augment)


GATE = threading.Event()


def slow_app(make, **options):
    GATE.clear()
    return make(SlowModel(**vars(quick_model())), **options)


def test_a_scoring_that_takes_too_long_is_given_up_in_an_honest_sentence(
    make, tmp_path
):
    visit = Visit.begin(slow_app(make, seconds=0.4))
    job = score(visit, tmp_path)
    assert job["state"] == "failed"
    assert "cannot be stopped from outside" in job["problems"][0]
    # Nobody else is scored before it ends, and its result is thrown away.
    visit.post("score")
    assert "another patient" in visit.wait()["problems"][0]
    GATE.set()
    time.sleep(0.5)
    assert visit.get("result.json").status_code == 404


@pytest.mark.parametrize("end", ["too late", "forgotten"])
def test_a_result_that_is_thrown_away_is_not_kept_either(make, tmp_path, end):
    read, gate = threading.Event(), threading.Event()

    class Waiting(QuickModel):
        def predict(self, patient, *, augment=False):
            result = super().predict(patient, augment=augment)
            read.set()
            gate.wait(20)
            return result

    keep = tmp_path / "keep"
    model = Waiting(**vars(quick_model()))
    app = make(model, keep=keep, seconds=1.0 if end == "too late" else 60)
    visit = Visit.begin(app)
    send_all(visit, tmp_path)
    visit.post("region", REGION)
    visit.post("score", {"keep": True})
    assert read.wait(20)
    if end == "too late":
        assert visit.wait()["state"] == "failed"
    else:
        assert visit.post("forget").status_code == 200
    gate.set()
    assert app.extensions["desk"].scorer.close(seconds=20)
    assert not keep.exists()


def test_what_cannot_be_kept_whole_is_not_kept_and_this_is_said(
    make, tmp_path, monkeypatch
):
    def fill_disk(uploads, folder):
        (folder / "t1w.nii.gz").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outcome, "copy_uploads", fill_disk)
    keep = tmp_path / "keep"
    visit = Visit.begin(make(keep=keep))
    assert score(visit, tmp_path, keep=True)["state"] == "done"
    assert "Nothing was kept" in visit.get("result").text
    assert "No space left" in visit.get("result").text
    assert list(keep.iterdir()) == []


def test_the_result_is_not_seen_before_it_is_said_whether_it_was_kept(
    make, tmp_path, monkeypatch
):
    def copy_slowly(uploads, folder):
        time.sleep(0.5)

    monkeypatch.setattr(outcome, "copy_uploads", copy_slowly)
    visit = Visit.begin(make(keep=tmp_path / "keep"))
    assert score(visit, tmp_path, keep=True)["state"] == "done"
    assert "Files and result are kept in" in visit.get("result").text


def test_nothing_changes_while_a_patient_is_scored(make, tmp_path):
    visit = Visit.begin(slow_app(make))
    send_all(visit, tmp_path)
    visit.post("region", REGION)
    visit.post("score")
    assert visit.post("score").status_code == 409
    assert visit.post("region", REGION).status_code == 409
    assert visit.post("remove/t1w").status_code == 409
    GATE.set()
    assert visit.wait()["state"] == "done"


def test_patients_are_scored_one_at_a_time(make, tmp_path):
    app = slow_app(make)
    first, second = Visit.begin(app), Visit.begin(app)
    for visit in (first, second):
        send_all(visit, tmp_path)
        visit.post("region", REGION)
        visit.post("score")
        time.sleep(0.1)
    assert second.get("state").json["job"]["state"] == "waiting"
    GATE.set()
    assert first.wait()["state"] == second.wait()["state"] == "done"


def test_nothing_is_kept_unless_the_server_allows_and_the_visitor_asks(make, tmp_path):
    keep = tmp_path / "keep"
    visit = Visit.begin(make(keep=keep))
    score(visit, tmp_path)
    assert not keep.exists()
    score(visit, tmp_path, keep=True)
    (folder,) = keep.iterdir()
    names = {path.name for path in folder.iterdir()}
    assert names == {"t1w.nii.gz", "fs.nii.gz", "result.json", "result.png"}
    assert (folder / "t1w.nii.gz").read_bytes() == (
        tmp_path / "t1w.nii.gz"
    ).read_bytes()
    assert json.loads((folder / "result.json").read_text())["model"] == "quick"
    assert str(folder) in visit.get("result").text


def test_a_server_without_a_folder_keeps_nothing(visit, tmp_path):
    send_all(visit, tmp_path)
    visit.post("region", REGION)
    assert visit.post("score", {"keep": True}).status_code == 400
    assert 'id="keep"' not in visit.get("").text


def test_the_caution_is_on_the_page_and_on_every_refusal(visit):
    assert USE in visit.get("").text
    assert USE in visit.get("nothing").text


def test_the_caution_is_written_in_one_place():
    folder = Path(serve.__file__).parent
    kept = [path for path in folder.rglob("*") if path.suffix in (".py", ".html")]
    assert kept
    assert not [path.name for path in kept if "No diagnosis" in path.read_text()]


def test_without_flask_the_sentence_says_what_to_install(monkeypatch):
    for name in ("flask", "waitress"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("app", "server"):
        monkeypatch.delitem(
            sys.modules, f"negspa_jax.predict.serve.{name}", raising=False
        )
    with pytest.raises(ValueError, match=r"pip install 'negspa_jax\[serve\]'"):
        _ = serve.serve
