"""A fingerprint describes a cohort, nobody of it, and is read back or refused."""

import json

import numpy as np
import pytest
from scipy.stats import t as student

from negspa_jax.data.fingerprint import fit_fingerprint
from negspa_jax.data.fingerprint_json import (
    format_fingerprint,
    parse_fingerprint,
    read_fingerprint,
    write_fingerprint,
)
from negspa_jax.data.flags import judge
from negspa_jax.data.signature import NUM_FEATURES, list_features
from negspa_jax.data.spans import MIN_COUNT, TAIL, fit_span
from negspa_jax.data.traits import GREYS, GRID, Traits
from tests.data.trained_cohort import SEQUENCES, look, write_patients


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """What eight patients look like."""
    folder = tmp_path_factory.mktemp("cohort")
    return [look(patient) for patient in write_patients(folder, seed=3, count=8)]


@pytest.fixture(scope="module")
def text(cohort) -> str:
    return format_fingerprint(fit_fingerprint(cohort))


# --- one quantity ---------------------------------------------------------------------


def test_the_limits_are_those_of_students_prediction_interval():
    values = np.random.default_rng(0).normal(50, 4, 30)
    span = fit_span(values.tolist(), by_ratio=False, least_deviation=0.0)
    reach = student.ppf(1 - TAIL, 29) * values.std(ddof=1) * np.sqrt(1 + 1 / 30)
    expected = values.mean() - reach, values.mean() + reach
    np.testing.assert_allclose(span.limits, expected, rtol=1e-5)


def test_a_patient_like_the_others_is_outside_as_often_as_said():
    rng, outside = np.random.default_rng(1), 0
    for _ in range(4000):
        *seen, new = rng.normal(size=9)
        reach = fit_span(seen, by_ratio=False, least_deviation=0.0).limits[1]
        outside += new > reach
    # Less often: the range of what was seen is never outside.
    assert 0.2 * TAIL < outside / 4000 < 2.5 * TAIL


def test_sizes_are_compared_by_ratio():
    span = fit_span([2.0, 2.0, 2.0, 2.0, 2.0], by_ratio=True, least_deviation=0.05)
    low, high = span.limits
    assert low * high == pytest.approx(4.0, rel=1e-4)


def test_what_was_seen_is_never_outside():
    span = fit_span([1.0] * 200 + [9.0], by_ratio=False, least_deviation=0.0)
    assert span.limits[1] == 9.0


def test_of_an_identical_protocol_a_rounding_difference_is_inside():
    low, high = fit_span([3.3] * 50, by_ratio=True, least_deviation=0.05).limits
    assert low < 3.25 < 3.35 < high
    assert not low < 4.4 < high


def test_of_three_values_nothing_is_said():
    assert fit_span([1.0, 2.0, 3.0], by_ratio=False, least_deviation=0.1) is None


# --- a cohort -------------------------------------------------------------------------


def test_a_right_side_is_mirrored_onto_the_left_ones():
    half = np.zeros((GRID, GRID), np.uint8)
    half[:, 0] = 255
    numbers = dict.fromkeys(GREYS, 0.5)
    layout = {"left": half.tobytes(), "right": half[:, ::-1].tobytes()}
    cells = list_features(Traits(numbers, {}, layout))[len(GREYS) :]
    np.testing.assert_array_equal(cells.reshape(GRID, GRID), half / 255)


@pytest.mark.parametrize("count", [1, MIN_COUNT - 1])
def test_of_few_patients_only_their_number_is_kept(cohort, count):
    fingerprint = fit_fingerprint(cohort[:count])
    content = json.loads(format_fingerprint(fingerprint))
    kept = {name: value for name, value in content.items() if value}
    assert set(kept) == {"format", "version", "num_patients", "sequences"}


def test_few_patients_flag_nobody_and_say_so(cohort):
    fingerprint = fit_fingerprint(cohort[:3])
    swapped = {"t1w": cohort[5]["fs"], "t2w": cohort[5]["t2w"], "fs": cohort[5]["t1w"]}
    assert judge(fingerprint, swapped) == ()
    (doubt,) = fingerprint.doubts
    assert "3 patients, fewer than 4" in doubt


def test_a_large_cohort_has_no_doubts(cohort):
    assert fit_fingerprint(cohort * 3).doubts == ()
    assert len(fit_fingerprint(cohort).doubts) == 1


def test_nobodys_layout_is_kept(cohort, text):
    means = json.loads(text)["signature"]["means"]
    for name in SEQUENCES:
        for images in cohort:
            assert not np.allclose(means[name], list_features(images[name]), atol=0.01)
        everybody = [list_features(images[name]) for images in cohort]
        np.testing.assert_allclose(means[name], np.mean(everybody, axis=0), rtol=1e-5)


def test_patients_of_other_sequences_are_no_cohort(cohort):
    with pytest.raises(ValueError, match="every patient must have the sequences"):
        fit_fingerprint([*cohort, {"t1w": cohort[0]["t1w"]}])
    with pytest.raises(ValueError, match="at least 1 patient"):
        fit_fingerprint([])


def test_the_mean_normal_is_right_whatever_the_signs_of_the_normals(cohort):
    turned = []
    for number, images in enumerate(cohort):
        sign = -1 if number % 2 else 1
        turned.append({})
        for name, traits in images.items():
            numbers = {
                key: sign * value if key.startswith("normal") else value
                for key, value in traits.numbers.items()
            }
            turned[-1][name] = Traits(numbers, traits.words, traits.layout)
    one, two = fit_fingerprint(cohort).tilts, fit_fingerprint(turned).tilts
    assert one == two


# --- as JSON --------------------------------------------------------------------------


def test_a_fingerprint_comes_back_as_it_was_written(cohort, tmp_path):
    fingerprint = fit_fingerprint(cohort)
    write_fingerprint(tmp_path / "fingerprint.json", fingerprint)
    assert read_fingerprint(tmp_path / "fingerprint.json") == fingerprint
    few = fit_fingerprint(cohort[:2])
    assert parse_fingerprint(format_fingerprint(few)) == few


def test_it_judges_the_same_when_it_comes_back(cohort, text):
    given = {"t1w": cohort[0]["fs"], "t2w": cohort[0]["t2w"], "fs": cohort[0]["t1w"]}
    found = judge(parse_fingerprint(text), given)
    assert found == judge(fit_fingerprint(cohort), given)
    assert found


def test_the_same_cohort_gives_the_same_bytes(cohort, text):
    assert format_fingerprint(fit_fingerprint(list(cohort))) == text


def change(text: str, *keys, to) -> str:
    content = json.loads(text)
    part = content
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = to
    return json.dumps(content)


DAMAGE = {
    "no JSON": lambda text: text[:-20],
    "empty": lambda text: "",
    "another file": lambda text: '{"a": 1}',
    "a list": lambda text: "[1, 2]",
    "deep": lambda text: "[" * 100_000,
    "another version": lambda text: change(text, "version", to=2),
    "an added entry": lambda text: change(text, "more", to=1),
    "no patients": lambda text: change(text, "num_patients", to=0),
    "a text as number": lambda text: change(text, "num_patients", to="8"),
    "few patients": lambda text: change(text, "num_patients", to=2),
    "no signature": lambda text: change(text, "signature", to=None),
    "another sequence": lambda text: change(text, "sequences", to=["t1w", "t2w", "pd"]),
    "not a number": lambda text: text.replace("0.", "NaN, 0.", 1),
    "infinite": lambda text: change(
        text, "quantities", "t1w", "spacing_mm", "mean", to=float("inf")
    ),
    "an upside-down range": lambda text: change(
        text, "quantities", "t1w", "spacing_mm", "low", to=1e6
    ),
    "a short mean": lambda text: change(text, "signature", "means", "fs", to=[0.5]),
    "no covariance": lambda text: change(
        text, "signature", "covariance", to=[[0.0] * NUM_FEATURES] * NUM_FEATURES
    ),
    "no axis": lambda text: change(text, "tilts", "fs", "axis", to=[0.0, 0.0, 0.0]),
    "a negative count": lambda text: change(
        text, "words", "fs", "plane", to={"coronal": -1}
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_no_fingerprint_is_refused_in_one_sentence(text, tmp_path, name):
    path = tmp_path / "fingerprint.json"
    path.write_text(DAMAGE[name](text))
    with pytest.raises(ValueError, match="must be a fingerprint") as caught:
        read_fingerprint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 400


def test_an_absent_fingerprint_is_told_with_its_path(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json cannot be read"):
        read_fingerprint(tmp_path / "none.json")
