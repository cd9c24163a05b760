"""Options refuse what they cannot mean, and the presets are the spec's."""

import dataclasses
import math
import subprocess
import sys

import pytest

from negspa_jax.mixcut import PRESETS, Options, find_options

WRONG = [
    *(("alpha", value) for value in (0.0, -1.0, math.nan, math.inf)),
    *(("num_labels", value) for value in (1, 65)),
    *(("gamma", value) for value in (-0.1, 1.1, math.nan)),
    *(("beta", value) for value in (-1, math.inf)),
    *(("num_blocks", value) for value in ((), (1,), (2, 0))),
    ("hole_size", 0),
    ("hole_degrees", 361),
    ("partner", "nobody"),
    ("draw", "epoch"),
    ("local", "everywhere"),
    ("box", ""),
    ("local_partner", "old"),
    ("label", "lost"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be .*, got "):
        Options(**{name: value})


def test_a_value_of_another_type_is_refused_by_name():
    # In an interpreter of its own: here the annotations themselves are checked.
    code = """
from negspa_jax.mixcut import Options
wrong = dict(dominant=[None, 1, "yes"], puzzle=[0], alpha=["1", None],
             num_labels=[2.5], num_blocks=[(2.0,), [2, 4], 4], hole_size=[1.5],
             local_partner=[None])
for name, values in wrong.items():
    for value in values:
        try:
            Options(**{name: value})
        except ValueError as error:
            assert str(error).startswith(f"{name} must be "), error
        else:
            raise SystemExit(f"{name}={value!r} was taken")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_preset_is_refused_with_the_list():
    with pytest.raises(
        ValueError, match=r"^preset must be supplement \| asmixcut.*got"
    ):
        find_options("mixing")


def test_the_public_codes_label_belongs_to_its_box_alone():
    with pytest.raises(ValueError, match=r"^label must be another rule"):
        Options(label="asmixcut")


def test_the_default_is_the_supplement():
    assert PRESETS["supplement"] == Options() == find_options("supplement")


STEPS = {  # puzzle, local, cutout
    "supplement": (True, "box", True),
    "asmixcut": (False, "box", False),
    "puzzlemix": (True, "off", False),
    "mixup": (False, "global", False),
    "cutmix": (False, "paste", False),
    "cutout": (False, "off", True),
    "none": (False, "off", False),
}


def test_presets_are_the_named_steps():
    found = {name: (o.puzzle, o.local, o.cutout) for name, o in PRESETS.items()}
    assert found == STEPS


def test_the_public_code_draws_once_a_batch_and_ties_box_and_blend():
    authors = PRESETS["asmixcut"]
    assert (authors.draw, authors.box, authors.label) == ("batch", "tied", "asmixcut")


def test_equal_options_are_one_static_argument():
    assert len({Options(alpha=2.0), find_options("supplement", alpha=2.0)}) == 1


def test_options_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().alpha = 2.0  # type: ignore[misc]
