"""What the mask's energy is and where it is least, computed in other ways."""

import math

import numpy as np
from scipy import sparse
from scipy.optimize import linprog


def unary_costs(first, second, lam, *, num_labels, eta) -> np.ndarray:
    """The cost of each label in each block, (labels, p, q), of one pair."""
    top, count = num_labels - 1, first.size
    lam = min(max(float(lam), 1e-4), 1 - 1e-4)
    levels = []
    for k in range(num_labels):
        chance = math.comb(top, k) * lam**k * (1 - lam) ** (top - k)
        shown = k / top * first + (1 - k / top) * second
        levels.append(shown - eta / count * math.log(chance))
    return np.array(levels, np.float64)


def energy(labels, unary, vertical, horizontal) -> float:
    """The energy of whole labels, block by block and edge by edge."""
    top = len(unary) - 1
    p, q = labels.shape
    total = sum(unary[labels[i, j], i, j] for i in range(p) for j in range(q))
    for i in range(p - 1):
        for j in range(q):
            total += vertical[i, j] * ((labels[i, j] - labels[i + 1, j]) / top) ** 2
    for i in range(p):
        for j in range(q - 1):
            total += horizontal[i, j] * ((labels[i, j] - labels[i, j + 1]) / top) ** 2
    return float(total)


def least_by_enumeration(unary, vertical, horizontal) -> float:
    """The least energy of all labellings; for a handful of blocks."""
    shape = unary.shape[1:]
    return min(
        energy(np.array(labels).reshape(shape), unary, vertical, horizontal)
        for labels in np.ndindex((len(unary),) * (shape[0] * shape[1]))
    )


def least_by_rows(unary, vertical, horizontal) -> float:
    """The least energy by dynamic programming, row by row; for narrow grids."""
    num_labels, p, q = unary.shape
    states = np.array(list(np.ndindex((num_labels,) * q)))
    square = ((states[:, None] - states[None, :]) / (num_labels - 1)) ** 2

    def of_row(i):
        steps = np.diff(states, axis=1) / (num_labels - 1)
        shown = sum(unary[states[:, j], i, j] for j in range(q))
        return shown + steps**2 @ horizontal[i]

    least = of_row(0)
    for i in range(1, p):
        least = of_row(i) + (least[:, None] + square @ vertical[i - 1]).min(0)
    return float(least.min())


def least_by_linear_programme(unary, vertical, horizontal) -> float:
    """The least energy as the lifted linear programme, solved by HiGHS.

    Unknowns: u_k(i) = [label(i) >= k] for k = 1 .. K, relaxed to [0, 1], and for each
    edge the positive parts of u_k(i) - u_l(j), k >= l, and the same with i and j
    exchanged.
    """
    num_labels, p, q = unary.shape
    top, count = num_labels - 1, p * q
    at = np.arange(count).reshape(p, q)
    edges = [
        *zip(at[:-1].ravel(), at[1:].ravel(), vertical.ravel(), strict=True),
        *zip(at[:, :-1].ravel(), at[:, 1:].ravel(), horizontal.ravel(), strict=True),
    ]
    cost = list(np.diff(unary, axis=0).reshape(-1))
    rows, columns, values = [], [], []

    def unknown(k, i):
        return (k - 1) * count + i

    bound = 0
    for i, j, weight in edges:
        for k in range(1, num_labels):
            for low in range(1, k + 1):
                for one, other in ((i, j), (j, i)):
                    # slack >= u_k(one) - u_low(other), slack >= 0
                    times = 1 if k == low else 2
                    cost.append(weight / top**2 * times)
                    slack = len(cost) - 1
                    rows += [bound] * 3
                    columns += [unknown(k, one), unknown(low, other), slack]
                    values += [1.0, -1.0, -1.0]
                    bound += 1
    for k in range(1, top):  # u_(k+1) <= u_k
        for i in range(count):
            rows += [bound] * 2
            columns += [unknown(k + 1, i), unknown(k, i)]
            values += [1.0, -1.0]
            bound += 1
    limits = [(0, 1)] * (top * count) + [(0, None)] * (len(cost) - top * count)
    matrix = sparse.csr_matrix((values, (rows, columns)), (bound, len(cost)))
    found = linprog(cost, A_ub=matrix, b_ub=np.zeros(bound), bounds=limits)
    assert found.status == 0, found.message
    return float(found.fun + unary[0].sum())
