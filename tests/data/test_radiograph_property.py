"""Any depth, sign, polarity, slope and window of a DICOM file shows what was meant."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from negspa_jax.data.radiograph import read_radiograph
from tests.data.dicom_files import write_dicom

LAYOUTS = st.sampled_from([8, 16, 32]).flatmap(
    lambda allocated: st.tuples(
        st.just(allocated), st.integers(max(2, allocated // 2 - 4), allocated)
    )
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    layout=LAYOUTS,
    signed=st.booleans(),
    photometric=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    shape=st.sampled_from([None, "INVERSE", "IDENTITY"]),
    slope=st.sampled_from([None, 1, 0.25, 2.5, -1]),
    intercept=st.sampled_from([0, -1024, 7.5]),
    window=st.sampled_from([None, (0.5, 0.5), (0.3, 0.8), (0.7, 0.1)]),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT"]),
    syntax=st.sampled_from(
        [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_what_is_shown(
    tmp_path,
    layout,
    signed,
    photometric,
    shape,
    slope,
    intercept,
    window,
    function,
    syntax,
    seed,
):
    allocated, stored = layout
    dice = np.random.default_rng(seed)
    least = -(2 ** (stored - 1)) if signed else 0
    values = dice.integers(least, least + 2**stored, (12, 9))
    values[0, :2] = least, least + 2**stored - 1
    # The unused bits hold anything.
    rubbish = dice.integers(0, 2**allocated, values.shape) >> stored << stored
    bits = (values & (2**stored - 1)) | rubbish
    pixels = bits.astype(f"u{allocated // 8}").view(f"{'ui'[signed]}{allocated // 8}")
    elements = {"BitsStored": stored, "PhotometricInterpretation": photometric}
    if shape:
        elements["PresentationLUTShape"] = shape
    if slope is not None:
        elements |= {"RescaleSlope": slope, "RescaleIntercept": intercept}
    meant = values * (slope or 1.0) + (intercept if slope is not None else 0)
    if window is None:
        low, high = np.percentile(meant, [0.5, 99.5])
    else:
        span = float(np.ptp(meant))
        center = round(float(meant.min()) + window[0] * span, 1)
        width = max(2.0, round(window[1] * span, 1))
        center = float(f"{center:.10g}")
        width = float(f"{width:.10g}")
        elements |= {"WindowCenter": center, "WindowWidth": width}
        elements["VOILUTFunction"] = function
        if function == "LINEAR":
            center, width = center - 0.5, width - 1
        low, high = center - width / 2, center + width / 2
    wanted = np.clip((meant - low) / (high - low), 0, 1)
    if photometric == "MONOCHROME1" or shape == "INVERSE":
        wanted = 1 - wanted
    path = write_dicom(tmp_path / "a.dcm", pixels, syntax=syntax, **elements)
    got = read_radiograph(path)
    np.testing.assert_allclose(got.image, wanted, atol=2e-5)
    assert got.display == ("percentiles" if window is None else "window")
