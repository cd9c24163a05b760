"""Patients for every test of this room, and the papers' printed numbers."""

import csv

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


@pytest.fixture
def predictions():
    """200 patients with predicted probabilities that are too extreme and too low."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0.0, 1.5, 200)
    chances = 1 / (1 + np.exp(-0.5 * logits - 0.4))
    labels = (generator.random(200) < chances).astype(int)
    return labels, 1 / (1 + np.exp(-logits))


@pytest.fixture
def paper_rows(shared):
    """The papers' printed numbers that can be recomputed, misprints marked."""
    path = shared / "vectors" / "paper_tables.tsv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))
