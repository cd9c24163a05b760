"""Every test runs on two fake CPU devices, with shapes checked and rank promotion off.

Tests that need `../shared` (real patients, reference vectors) ask for the fixture
`shared`, tests that need torch carry the marker `reference`; both are skipped by
name where these are absent.
"""

import importlib.util
import os
from pathlib import Path

# These must stand before the first import of jax, also in the processes that tests start.
os.environ["JAX_PLATFORMS"] = os.environ.get("NEGSPA_TEST_PLATFORM", "cpu")
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
).strip()

from jaxtyping import install_import_hook

install_import_hook("negspa_jax", "beartype.beartype")

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder of real files and reference vectors beside the checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip("real files: ../shared is absent")
    return SHARED


def pytest_collection_modifyitems(items):
    """Skip by name what this machine cannot run."""
    no_torch = importlib.util.find_spec("torch") is None
    no_gpu = jax.default_backend() != "gpu"
    for item in items:
        if no_torch and item.get_closest_marker("reference"):
            item.add_marker(pytest.mark.skip(reason="reference: torch is absent"))
        if no_gpu and item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="gpu: no GPU here"))
