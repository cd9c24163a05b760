"""Every example in the room's docstrings gives what it says."""

import doctest
import importlib

import pytest

# The others are run by the tests of their own files.
MODULES = ("compose", "costs", "energy", "mask", "options", "partner", "transport")


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    found = doctest.testmod(importlib.import_module(f"negspa_jax.mixcut.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
