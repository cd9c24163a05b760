"""The picture: python -m negspa_jax.mixcut, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from negspa_jax import mixcut
from negspa_jax.mixcut.__main__ import find_steps, main, read_image

SMALL = ["--size=64", "--num_blocks=4", "--hole_size=12"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[str]:
    """Two synthetic images: 8-bit colour, and 16-bit grey of another size."""
    folder = tmp_path_factory.mktemp("pair")
    row, column = np.mgrid[:64, :64]
    disc = (row - 20) ** 2 + (column - 24) ** 2 < 100
    colour = np.stack([200 * disc, 3 * row, 3 * column], 2).astype(np.uint8)
    square = np.zeros((48, 80), np.uint16)
    square[25:40, 50:70] = 4095
    Image.fromarray(colour).save(folder / "a.png")
    Image.fromarray(square).save(folder / "b.png")
    return [str(folder / name) for name in ("a.png", "b.png")]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "negspa_jax.mixcut", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )


def test_the_command_of_the_readme_draws_the_picture(pair, tmp_path):
    out = tmp_path / "steps.png"
    done = run("--images", *pair, f"--out={out}", *SMALL)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as picture:
        assert picture.size == (1800, 672)
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels[:3] == 255).all(), "the margin must be white"
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500
    assert "resized from 80 x 48 to 64 x 64" in done.stdout
    assert "steps.png: first 0." in done.stdout


@pytest.fixture
def refused(capsys, tmp_path):
    """Runs the door; returns the one sentence that it must end with."""

    def run_door(*arguments: str, out: str | None = None) -> str:
        out = out or str(tmp_path / "steps.png")
        assert main([*arguments, f"--out={out}"]) == 2
        assert not Path(out).exists()
        error = capsys.readouterr().err
        assert error.startswith("mixcut: ")
        assert error.count("\n") == 1
        return error

    return run_door


def test_a_failure_is_exit_code_2_without_a_traceback(tmp_path):
    done = run("--images", "nowhere.png", "nor_here.png", f"--out={tmp_path}/a.png")
    assert done.returncode == 2
    assert done.stderr.startswith("mixcut: nowhere.png must be a readable image")
    assert done.stderr.count("\n") == 1


def test_a_missing_flag_is_named(pair, capsys):
    assert main([]) == 2
    assert "--images and --out must be given" in capsys.readouterr().err
    assert main(["--images", *pair]) == 2
    assert capsys.readouterr().err.startswith("mixcut: --out must be given")


def test_a_misspelt_flag_is_named(pair, refused):
    assert "blocks" in refused("--images", *pair, "--blocks=4")


@pytest.mark.parametrize("count", [1, 3])
def test_images_are_two(pair, refused, count):
    names = (pair * 2)[:count]
    assert f"must be two files, got {count}" in refused("--images", *names)


def test_one_file_twice_is_refused(pair, refused):
    assert "two different files" in refused("--images", pair[0], pair[0])


@pytest.mark.parametrize("content", [b"no image", b"\x89PNG\r\n\x1a\n", None])
def test_an_unreadable_image_is_named(pair, refused, tmp_path, content):
    broken = tmp_path / "broken.png"
    # None: a file that ends in the middle of its pixels.
    whole = Path(pair[0]).read_bytes()
    broken.write_bytes(content or whole[: len(whole) // 2])
    sentence = refused("--images", pair[0], str(broken))
    assert "broken.png must be a readable image" in sentence


def test_a_grid_that_does_not_divide_is_refused(pair, refused):
    sentence = refused("--images", *pair, "--size=64", "--num_blocks=5")
    assert "must divide --size=64" in sentence


def test_the_picture_goes_to_a_png_in_a_folder_that_exists(pair, refused, tmp_path):
    images = ("--images", *pair)
    assert "a folder that exists" in refused(*images, out=f"{tmp_path}/no/a.png")
    assert "must end in .png" in refused(*images, out=f"{tmp_path}/a.tiff")


def test_images_may_be_joined_by_a_comma(pair, refused):
    # They are read: only the second, which is the first once more, is refused.
    assert "two different files" in refused(f"--images={pair[0]},{pair[0]}")


def test_without_matplotlib_one_sentence_tells_how_to_get_it(
    pair, refused, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    sentence = refused("--images", *pair, *SMALL)
    assert "matplotlib" in sentence
    assert "pip install" in sentence


def test_help_tells_every_flag(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"--{name}=" in text for name in ("images", "out", "seed", "size"))


def test_deep_grey_is_stretched_and_colour_is_kept(pair):
    colour, grey = (read_image(Path(path), 64) for path in pair)
    assert colour.shape == grey.shape == (64, 64, 3)
    np.testing.assert_allclose(colour[20, 24], [200 / 255, 60 / 255, 72 / 255], 1e-6)
    assert grey.min() == 0
    assert grey.max() == pytest.approx(1)


def test_the_last_panel_is_the_one_before_with_the_hole(pair):
    images = np.stack([read_image(Path(path), 64) for path in pair])
    options = mixcut.find_options(
        "supplement", partner="derangement", num_blocks=(4,), hole_size=12
    )
    steps = find_steps(jax.random.key(0), images, options=options)
    hidden = steps.mixed.plan.hidden[0]
    expected = np.where(hidden[..., None], 0, steps.local)
    assert hidden.any()
    np.testing.assert_allclose(steps.mixed.images[0], expected, atol=1e-6)
    assert steps.mixed.labels[0].sum() == pytest.approx(1)
