"""Each grade shows at the joint what the modified New York criteria say of it."""

import numpy as np
import pytest

from negspa_jax.data.pelvis_anatomy import Canvas, add_pelvis
from negspa_jax.data.pelvis_build import draw_build, joint_distance, unbend
from negspa_jax.data.pelvis_disease import draw_joint
from negspa_jax.data.pelvis_joint import BOTTOM, HEIGHTS, TOP, add_joint

NUM_DRAWN = 12
INSIDE = (HEIGHTS > TOP + 5) & (HEIGHTS < BOTTOM - 5)
ACROSS = np.linspace(-110, 110, 220, dtype=np.float32)[None]
ALONG = np.linspace(-70, 70, 140, dtype=np.float32)[:, None]


def draw_case(number, grade, side=1):
    key = np.random.default_rng([number, grade])
    build = draw_build(np.random.default_rng(number), age=35.0, sex="female")
    return build, draw_joint(key, build, side, grade)


def draw_joints(grade):
    return [draw_case(number, grade)[1] for number in range(NUM_DRAWN)]


def render(number, grade, side=1):
    """The bones with one joint of a grade, and where its pixels lie."""
    build, joint = draw_case(number, grade, side)
    canvas = Canvas(build, ACROSS, ALONG)
    add_pelvis(canvas)
    add_joint(canvas, side, joint)
    return canvas


def band(canvas, low, high, side=1):
    inside = (np.sign(canvas.x) == side) & (np.abs(canvas.y) < 32)
    return canvas.bone[inside & (canvas.lateral > low) & (canvas.lateral < high)]


def test_a_healthy_joints_space_is_even_and_open():
    for joint in draw_joints(0):
        assert np.ptp(joint.iliac_mm) == np.ptp(joint.sacral_mm) == 0
        assert joint.openness[INSIDE].min() > 0.9


def test_grade_2_is_eroded_at_unaltered_width():
    for number in range(NUM_DRAWN):
        build, joint = draw_case(number, 2)
        width = joint.iliac_mm.min() + joint.sacral_mm.min()
        assert width == pytest.approx(build.joint_gap[1], abs=0.01)
        assert np.ptp(joint.iliac_mm) > 1


def test_grade_3_is_widened_or_narrowed():
    changes = []
    for number in range(NUM_DRAWN):
        build, joint = draw_case(number, 3)
        width = joint.iliac_mm.min() + joint.sacral_mm.min()
        changes.append(width - build.joint_gap[1])
    assert min(np.abs(changes)) > 0.7
    assert min(changes) < 0 < max(changes)


def test_grade_4_is_bridged_by_bone_nearly_everywhere():
    for joint in draw_joints(4):
        assert np.mean(joint.openness[INSIDE] < 0.3) > 0.8


def test_sclerosis_grows_up_to_grade_3():
    means = [
        np.mean([joint.iliac_sclerosis.mean() for joint in draw_joints(grade)])
        for grade in range(4)
    ]
    assert means == sorted(means)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("number", range(4))
def test_a_healthy_joint_is_a_dark_line_and_an_ankylosed_one_is_none(number, side):
    def depth(grade):
        canvas = render(number, grade, side)
        beside = np.median(band(canvas, -6, -3, side))
        return beside - np.median(band(canvas, -0.8, 0.8, side))

    assert depth(0) > 0.1
    assert depth(4) < 0.5 * depth(0)


@pytest.mark.parametrize("number", range(4))
def test_the_ilium_is_denser_and_less_even_beside_a_joint_of_grade_3(number):
    healthy, ill = (band(render(number, grade), 2, 8) for grade in (0, 3))
    assert ill.mean() > healthy.mean() + 0.08
    assert ill.std() > 1.3 * healthy.std()


@pytest.mark.parametrize("side", [-1, 1])
def test_a_joint_changes_its_own_side_only(side):
    healthy, ill = (render(1, grade, side) for grade in (0, 3))
    changed = np.abs(healthy.bone - ill.bone) > 1e-4
    assert changed.any()
    assert np.all(np.sign(healthy.x[changed]) == side)


def test_the_line_runs_outwards_and_upwards_through_its_places():
    build, _ = draw_case(0, 0)
    for y in (-40.0, 0.0, 35.0):
        a = np.linspace(20, 75, 551, dtype=np.float32)[None]
        distance = joint_distance(build, a, np.full_like(a, y))
        place = float(a[0, np.argmin(np.abs(distance))])
        assert place == pytest.approx(45 - build.joint_slope * y, abs=6)


def test_the_standard_pelvis_is_bent_but_little():
    for number in range(NUM_DRAWN):
        build, _ = draw_case(number, 0)
        x, y = unbend(build, ACROSS, ALONG)
        assert np.abs(x - ACROSS).max() < 30
        assert np.abs(y - ALONG).max() < 30
        assert (np.diff(x, axis=1) > 0).all()
        assert (np.diff(y, axis=0) > 0).all()


def test_fields_stay_float32():
    """One float64 constant would double the time and the memory."""
    canvas = render(0, 3)
    fields = (canvas.x, canvas.y, canvas.a, canvas.grain, canvas.bone)
    assert {field.dtype for field in fields} == {np.dtype(np.float32)}
