"""Every test runs on two fake CPU devices, with shapes checked and rank promotion off.

Tests that need `../shared` (real patients, reference vectors) ask for the fixture
`shared`, tests that need torch carry the marker `reference`; both are skipped by
name where these are absent.
"""

import atexit
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

# These must stand before the first import of jax, in what the tests start too.
os.environ["JAX_PLATFORMS"] = os.environ.get("NEGSPA_TEST_PLATFORM", "cpu")
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
).strip()
# Many tests compile the same small step: they share it, in a folder of this run alone.
COMPILED = tempfile.mkdtemp(prefix="negspa-tests-")
atexit.register(shutil.rmtree, COMPILED, ignore_errors=True)
os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"

from jaxtyping import install_import_hook  # noqa: E402

import tests.typecheck  # noqa: E402, F401  (the hook looks it up by name)

install_import_hook("negspa_jax", "tests.typecheck.check")

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
