"""The page in a browser, from the first file to the result, and no request elsewhere.

With NEGSPA_SHOTS=FOLDER every step is written there as PNG, to be looked at.
"""

import io
import os
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import waitress
from PIL import Image

from negspa_jax.csv_table import read_table
from negspa_jax.data.rvoi import draw_rvoi
from negspa_jax.data.volume import read_mask
from negspa_jax.predict.run_model import open_run_model
from negspa_jax.predict.serve import make_app
from tests.predict.chromium import CHROMIUM, Browser
from tests.predict.serving import quick_model, write_volume

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is absent")

READY = "document.body.dataset.ready"
ROLES = ("t1w", "fs", "rvoi")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    browser.resize(1280, 800)
    yield browser
    browser.close()


@pytest.fixture
def show(browser):
    """Opens a model's page; its console must stay silent, its requests at home."""
    ended = []

    def start(model, **options):
        app = make_app(model, **options)
        server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        ended.append((app, server, thread))
        browser.said.clear()
        browser.requests.clear()
        browser.resize(1280, 800)
        browser.open(f"http://127.0.0.1:{server.effective_port}/", ready=READY)
        return app

    yield start
    browser.call("Page.navigate", url="about:blank")
    for app, server, thread in ended:
        app.extensions["sessions"].close()
        server.task_dispatcher.shutdown()
        server.close()
        for line in list(server._map.values()):
            line.close()
        thread.join(10)


@pytest.fixture(scope="module")
def patient(trained_run):
    """The files of a patient of the trained run's tests."""
    folder = trained_run.parent / "cohort"
    rows = read_table(folder / "cohort.csv", key="patient_id").rows
    row = next(row.cells for row in rows if row.cells["split"] == "internal")
    return {role: folder / row[role] for role in ROLES}


def look(browser, name):
    """No step is wider than a telephone; write it for who wants to look."""
    shots = os.environ.get("NEGSPA_SHOTS")
    for width, height in ((390, 800), (1280, 800)):
        browser.resize(width, height, mobile=width == 390)
        time.sleep(0.3)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        text = browser.evaluate("document.body.innerText")
        assert "No diagnosis may rest on its output" in text
        if shots:
            browser.shoot(Path(shots) / f"{name}_{width}.png")


def send(browser, role, path):
    browser.choose_file(f"getElementById('file-{role}')", path)
    browser.wait(f"document.querySelector('[data-role={role}].good')")


def go(browser, button, step):
    browser.click(button)
    browser.wait(f"!document.getElementById('{step}').hidden")


def find_region(patient):
    """The first and last voxel of the mask's box."""
    inside = np.argwhere(read_mask(patient["rvoi"], patient_id="").data)
    return inside.min(axis=0), inside.max(axis=0)


def place_on_page(view, point):
    """Where a voxel's centre is on the canvas, in shares."""
    in_plane = sorted((view["across"], view["down"]))
    by_axis = dict(zip(in_plane, point, strict=True))
    column, row = by_axis[view["across"]], by_axis[view["down"]]
    if view["flip_across"]:
        column = view["width"] - 1 - column
    if view["flip_down"]:
        row = view["height"] - 1 - row
    return (column + 0.5) / view["width"], (row + 0.5) / view["height"]


def state(browser):
    return browser.evaluate(
        "fetch(document.body.dataset.base + '/state').then((answer) => answer.json())"
    )


def scroll_to(browser, slice_index):
    """By arrow keys, as on the slider."""
    browser.evaluate("document.getElementById('slice').focus()")
    now = int(browser.evaluate("document.getElementById('slice').value"))
    key = ("ArrowRight", 39) if slice_index > now else ("ArrowLeft", 37)
    for _ in range(abs(slice_index - now)):
        browser.key(*key)
    shown = (
        f"document.getElementById('canvas').dataset.shown.endsWith(' {slice_index}')"
    )
    browser.wait(shown)


def test_a_patient_is_scored_from_upload_to_result(
    browser, show, trained_run, patient, tmp_path
):
    model = open_run_model(trained_run)
    app = show(model)
    look(browser, "1_files")

    # Something that is no volume is refused beside its field, in a sentence.
    wrong = tmp_path / "note.nii"
    wrong.write_text("dear colleague")
    browser.choose_file("getElementById('file-fs')", wrong)
    browser.wait("document.querySelector('[data-role=fs] .problem')")
    send(browser, "t1w", patient["t1w"])
    assert "dear colleague" in browser.evaluate(
        "document.querySelector('[data-role=fs] .said').innerText"
    )
    browser.click("[data-go=region]")
    browser.wait("!document.getElementById('alert').hidden")
    look(browser, "2_refused")
    assert [line for line in browser.said if "422" not in line] == []
    send(browser, "fs", patient["fs"])

    # The corners and ends of the patient's mask, clicked on the slices.
    go(browser, "[data-go=region]", "region")
    browser.wait("document.getElementById('canvas').dataset.shown")
    low, high = find_region(patient)
    view = state(browser)["files"]["t1w"]["view"]
    axes = sorted((view["across"], view["down"]))
    (a, b), (c, d) = low[axes], high[axes]
    for corner in ((a, b), (c, b), (c, d), (a, d)):
        browser.click("#canvas", *place_on_page(view, corner))
    scroll_to(browser, int(low[view["through"]]))
    browser.click("#first")
    scroll_to(browser, int(high[view["through"]]))
    browser.click("#last")
    look(browser, "3_region")
    go(browser, "#use-region", "features")
    columns = state(browser)["region"]
    assert columns["rvoi_sequence"] == "t1w"
    drawn = model.read_patient("1", t1w=patient["t1w"], fs=patient["fs"], **columns)
    assert_nearly_same(draw_rvoi(drawn.clicks).data, low, high)

    for name in ("arthritis", "uveitis"):
        browser.click(f"[name={name}][value='1']")
    look(browser, "4_features")
    browser.click("#score")
    browser.wait("!document.getElementById('result').hidden", seconds=120)
    browser.wait("document.querySelector('.pictures img').naturalWidth > 0")
    look(browser, "5_result")
    report = browser.evaluate(
        "fetch(document.body.dataset.base + '/result.json').then((a) => a.json())"
    )
    wanted = model.predict(drawn)
    assert report["score"] == pytest.approx(wanted.score, abs=1e-6)
    value = browser.evaluate("document.querySelector('.score .value').innerText")
    assert value == f"{wanted.score:.3f}"

    # What was drawn is there again after the page is loaded anew.
    browser.call("Page.reload")
    browser.wait(f"{READY} && !document.getElementById('result').hidden")
    go(browser, "[data-step=region]", "region")
    assert "4 of 4" in browser.evaluate(
        "document.getElementById('todo-corners').innerText"
    )

    go(browser, "#forget", "files")
    browser.wait(f"{READY} && document.querySelectorAll('.good').length === 0")
    files = [p for p in app.extensions["sessions"].root.rglob("*") if p.is_file()]
    assert [path.name for path in files] == ["lock"]
    assert [line for line in browser.said if "422" not in line] == []
    assert len({urlsplit(url).netloc for url in browser.requests}) == 1


def assert_nearly_same(drawn, low, high):
    """The clicks' region is the mask's box, to the voxel that a pixel covers."""
    inside = np.argwhere(drawn)
    assert np.abs(inside.min(axis=0) - low).max() <= 1
    assert np.abs(inside.max(axis=0) - high).max() <= 1


def test_corners_are_dragged_undone_untangled_and_typed(browser, show, tmp_path):
    show(quick_model())
    for seed, role in enumerate(("t1w", "fs")):
        send(browser, role, write_volume(tmp_path / f"{role}.nii.gz", seed=seed))
    go(browser, "[data-go=region]", "region")
    browser.wait("document.getElementById('canvas').dataset.shown")

    def typed():
        text = browser.evaluate("document.getElementById('typed').value")
        return [
            tuple(map(float, point.split(","))) for point in text.split(";") if point
        ]

    # Voxels of 24 x 20, stored to the patient's right and head.
    browser.click("#canvas", 0.25, 0.25)
    assert typed() == [(pytest.approx(17.5, abs=0.1), pytest.approx(14.5, abs=0.1))]
    browser.drag("#canvas", (0.25, 0.25), (0.5, 0.5))
    assert typed() == [(pytest.approx(11.5, abs=0.1), pytest.approx(9.5, abs=0.1))]
    browser.evaluate("document.getElementById('canvas').focus()")
    browser.key("Backspace", 8)
    assert typed() == []
    # Clicked crosswise: put in order round their middle.
    for point in ((0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)):
        browser.click("#canvas", *point)
    (a, b), _, (c, d), _ = typed()
    assert a != c
    assert b != d
    # Keys scroll, and so does the wheel.
    browser.evaluate("document.getElementById('canvas').focus()")
    browser.key("Home", 36)
    browser.key("ArrowDown", 40)
    x, y = browser.place("#canvas")
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=100)
    browser.wait("document.getElementById('slice').value === '2'")
    # First after last: they change places.
    browser.click("#last")
    scroll_to(browser, 5)
    browser.click("#first")
    go(browser, "#use-region", "features")
    region = state(browser)["region"]
    assert (region["rvoi_first"], region["rvoi_last"]) == ("2", "5")
    assert browser.said == []


def test_a_mask_may_be_sent_instead(browser, show, patient, trained_run):
    show(open_run_model(trained_run))
    for role in ("t1w", "fs"):
        send(browser, role, patient[role])
    go(browser, "[data-go=region]", "region")
    browser.click("[name=way][value=mask]")
    send(browser, "rvoi", patient["rvoi"])
    look(browser, "6_mask")
    go(browser, "#use-region", "features")
    browser.click("#score")
    browser.wait("!document.getElementById('result').hidden", seconds=120)
    assert browser.said == []


def test_a_radiograph_is_cropped_on_the_picture(browser, show, tmp_path):
    show(quick_model(kind="radiograph", sequences=("image",)))
    grey = np.random.default_rng(0).integers(0, 255, (400, 600), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "PNG")
    (tmp_path / "a.png").write_bytes(out.getvalue())
    send(browser, "image", tmp_path / "a.png")
    go(browser, "[data-go=region]", "region")
    browser.wait("document.getElementById('canvas').dataset.shown")
    browser.drag("#canvas", (0.1, 0.25), (0.9, 0.75))
    look(browser, "7_crop")
    go(browser, "#use-region", "features")
    crop = state(browser)["crops"]["crop:image"]
    got = np.array([int(edge) for edge in crop.split(",")])
    assert np.abs(got - (100, 60, 300, 540)).max() <= 2
    go(browser, "#score", "result")
    look(browser, "8_radiograph")
    assert browser.said == []


def write_radiograph(path):
    grey = np.random.default_rng(0).integers(0, 255, (400, 600), dtype=np.uint8)
    Image.fromarray(grey).save(path)
    return path


def report(browser):
    return browser.evaluate(
        "fetch(document.body.dataset.base + '/result.json').then((a) => a.json())"
    )


def test_a_box_is_scored_though_the_step_is_left_by_another_button(
    browser, show, tmp_path
):
    show(quick_model(kind="radiograph", sequences=("image", "other")))
    for role in ("image", "other"):
        send(browser, role, write_radiograph(tmp_path / f"{role}.png"))
    go(browser, "[data-step=region]", "region")
    browser.wait("document.getElementById('canvas').dataset.shown")
    browser.drag("#canvas", (0.1, 0.25), (0.9, 0.75))
    go(browser, "[data-step=features]", "features")
    go(browser, "#score", "result")
    box = report(browser)["crops"]["image"]
    assert np.abs(np.array(box) - (100, 60, 300, 540)).max() <= 2
    assert report(browser)["crops"]["other"] is None
    used = browser.evaluate("document.getElementById('drawing-used').innerText")
    assert ", ".join(map(str, box)) in used
    look(browser, "9_radiograph_by_steps")

    # Loaded again, the page shows the box that the server has, and keeps the result.
    browser.call("Page.reload")
    browser.wait(f"{READY} && !document.getElementById('result').hidden")
    go(browser, "[data-step=region]", "region")
    assert "Box: " in browser.evaluate("document.getElementById('todo-box').innerText")
    go(browser, "[data-step=result]", "result")
    assert report(browser)["crops"]["image"] == box

    # Taken away and left by the first step, it is not scored again.
    go(browser, "[data-step=region]", "region")
    browser.click("#clear")
    go(browser, "[data-step=files]", "files")
    assert state(browser)["crops"] == {}
    go(browser, "[data-step=features]", "features")
    go(browser, "#score", "result")
    assert report(browser)["crops"]["image"] is None
    assert browser.said == []


def type_corners(browser, text):
    browser.evaluate(
        "(() => { const e = document.getElementById('typed');"
        f"e.value = '{text}'; e.dispatchEvent(new Event('input')); }})()"
    )


def test_the_region_on_the_screen_is_scored_by_whatever_way_it_is_left(
    browser, show, tmp_path
):
    show(quick_model())
    for seed, role in enumerate(("t1w", "fs")):
        send(browser, role, write_volume(tmp_path / f"{role}.nii.gz", seed=seed))
    go(browser, "[data-step=region]", "region")
    browser.click("[name=way][value=mask]")
    send(browser, "rvoi", write_volume(tmp_path / "m.nii.gz", mask=True))
    go(browser, "[data-step=features]", "features")
    go(browser, "#score", "result")
    assert report(browser)["region"] == {"source": "mask"}

    # From the mask to clicks: unfinished, they are asked for; finished, they count.
    go(browser, "[data-step=region]", "region")
    browser.click("[name=way][value=clicks]")
    browser.click("[data-step=features]")
    browser.wait("document.getElementById('alert').innerText.includes('4 more')")
    assert not browser.evaluate("document.getElementById('region').hidden")
    type_corners(browser, "4,5; 19,5; 19,14; 4,14")
    scroll_to(browser, 2)
    browser.click("#first")
    scroll_to(browser, 4)
    browser.click("#last")
    # Nobody sees the mask's result beside the clicks.
    browser.click("[data-step=result]")
    browser.wait("document.getElementById('alert').innerText.includes('Score the')")
    assert "rvoi" not in state(browser)["files"]
    go(browser, "[data-step=features]", "features")
    go(browser, "#score", "result")
    assert report(browser)["region"]["corners"] == [[4, 5], [19, 5], [19, 14], [4, 14]]

    # Drawn anew and unfinished, the old region is not scored in its place.
    go(browser, "[data-step=region]", "region")
    browser.click("#clear")
    go(browser, "[data-step=files]", "files")
    browser.click("[data-step=features]")
    browser.wait("document.getElementById('alert').innerText.includes('region')")
    go(browser, "[data-step=region]", "region")
    type_corners(browser, "6,5; 19,5; 19,14; 6,14")
    scroll_to(browser, 2)
    browser.click("#first")
    browser.click("#last")
    go(browser, "[data-step=features]", "features")
    go(browser, "#score", "result")
    assert report(browser)["region"]["corners"][0] == [6, 5]
    assert report(browser)["region"]["last"] == 2
    used = browser.evaluate("document.getElementById('drawing-used').innerText")
    assert "slices 2 to 2" in used

    # What the server refuses is told where it can be mended.
    go(browser, "[data-step=region]", "region")
    type_corners(browser, "900,5; 919,5; 919,14; 900,14")
    browser.click("[data-step=features]")
    browser.wait("!document.getElementById('alert').hidden")
    assert not browser.evaluate("document.getElementById('region').hidden")
    assert [line for line in browser.said if "422" not in line] == []


def test_whoever_cannot_see_finds_names_for_everything(browser, show):
    show(quick_model())
    nameless = browser.evaluate(
        "[...document.querySelectorAll('input, select, button, canvas, progress')]"
        ".filter((e) => !(e.labels?.length || e.ariaLabel || e.innerText"
        " || e.getAttribute('aria-labelledby') || e.textContent.trim()))"
        ".map((e) => e.outerHTML)"
    )
    assert nameless == []
    assert browser.evaluate("document.documentElement.lang") == "en"
