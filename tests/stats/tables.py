"""Patients in the number of a table's cells."""

import numpy as np


def patients_of(table):
    """Two arrays with a patient for each count: the cell's row, and its column."""
    counts = np.asarray(table)
    rows, columns = np.indices(counts.shape)
    return tuple(np.repeat(side.ravel(), counts.ravel()) for side in (rows, columns))
