"""Small samples with both classes and many ties, for property tests."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def samples(draw, min_per_class=1):
    """Labels and whole-number scores of 2 to 24 patients."""
    size = st.integers(min_per_class, 12)
    labels = [1] * draw(size) + [0] * draw(size)
    score = st.integers(-5, 5)
    scores = draw(st.lists(score, min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(scores, dtype=np.float64)
