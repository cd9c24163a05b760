"""Every example in the room's docstrings gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import negspa_jax.stats

MODULES = [
    "negspa_jax.stats",
    *(
        f"negspa_jax.stats.{m.name}"
        for m in pkgutil.iter_modules(negspa_jax.stats.__path__)
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", negspa_jax.stats.__all__)
def test_public_functions_have_an_example(name):
    member = getattr(negspa_jax.stats, name)
    assert isinstance(member, type) or ">>>" in member.__doc__
