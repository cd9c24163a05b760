"""Patients for every test of this room."""

import numpy as np
import pytest


@pytest.fixture
def asah(shared):
    """pROC's example: 113 patients with subarachnoid haemorrhage, poor outcome = 1."""
    path = shared / "vectors" / "asah.tsv"
    return np.genfromtxt(path, names=True, delimiter="\t")


@pytest.fixture
def patients():
    """200 patients with many tied scores."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 200)
    return labels, np.round(generator.normal(labels, 1.0), 1)
