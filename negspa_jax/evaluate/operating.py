"""Operating points: chosen once, where nobody is tested, and carried unchanged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OperatingPoint:
    """A cut-off of one score; a patient with score >= cutoff is called positive.

    `name`: "Youden", "high sensitivity", "high specificity" or "given". `rule`: as
    `stats.choose_cutoff` takes it, "" if given. `cutoff`: unrounded. `source`: the
    split on whose `num_patients` labelled patients it was chosen, "" if given.
    """

    score: str
    name: str
    rule: str
    cutoff: float
    source: str
    num_patients: int
