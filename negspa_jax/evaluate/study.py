"""A whole study: everything that a results section says, in one dataclass."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

from negspa_jax.evaluate.agreement import ReaderPair
from negspa_jax.evaluate.cases import Case
from negspa_jax.evaluate.characteristics import CategoryRow, NumericRow
from negspa_jax.evaluate.comparison import ScoreComparison
from negspa_jax.evaluate.fusion import Fusion
from negspa_jax.evaluate.operating import OperatingPoint, first_point
from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.provenance import Provenance
from negspa_jax.evaluate.readers import Assistance, Reading
from negspa_jax.evaluate.rescues import Rescue
from negspa_jax.evaluate.subgroups import Grouping, Subgroup
from negspa_jax.predictions import NO_SPLIT, TRAIN


@dataclass(frozen=True)
class Flow:
    """How many patients of one split entered, and how many of them have no label."""

    split: str
    num_patients: int
    num_unlabelled: int
    num_positive: int
    num_negative: int


def sum_flows(flows: Sequence[Flow]) -> Flow:
    """Patients of one split, counted in parts, together."""
    counts = zip(*(astuple(flow)[1:] for flow in flows), strict=True)
    return Flow(flows[0].split, *map(sum, counts))


@dataclass(frozen=True)
class Names:
    """What the report calls things."""

    title: str
    positive: str
    negative: str
    primary: str  # the score of headline, subgroups, readers and cases


PARTS = (
    *("characteristics", "fusion", "learned", "operating_points", "comparisons"),
    *("subgroups", "readings", "reader_pairs", "assistance"),
    *("cases", "training", "maps"),
)


@dataclass(frozen=True, eq=False)
class Study:
    """Scores became evidence. Splits are in order: train, then by name.

    `reference`: the split whose labelled scores chose the operating points ("" if
    none). `selection`: the split whose patients chose the epoch of the run's one model
    ("" where there are folds, or nothing is known). `flow`: the patients with a score.
    `unscored_train`: the patients of `train` without, None where there are none or they
    are not known; the run's one model learned from those with a label, nobody from
    those whom the rule of the labels left without. `out_of_fold`: whether the table
    says of every scored patient of `train` which one fold's model gave the score.
    `unscored`: other patients of the cohort table without a score. `unused`: columns
    that could divide patients, and nobody asked for. `missing`: a sentence for each
    part that could not be said, and which column, file or option would let it be said;
    its keys are of `PARTS`. `warnings`: what to know.
    """

    names: Names
    reference: str
    selection: str
    unscored_train: Flow | None
    out_of_fold: bool
    flow: tuple[Flow, ...]
    unscored: tuple[str, ...]
    unused: tuple[str, ...]
    numeric: tuple[NumericRow, ...]
    categories: tuple[CategoryRow, ...]
    fusion: Fusion | None  # None: no clinical features
    operating_points: tuple[OperatingPoint, ...]
    performances: tuple[Performance, ...]
    comparisons: tuple[ScoreComparison, ...]
    groupings: tuple[Grouping, ...]
    subgroups: tuple[Subgroup, ...]
    readings: tuple[Reading, ...]
    reader_pairs: tuple[ReaderPair, ...]
    assistance: tuple[Assistance, ...]
    rescues: tuple[Rescue, ...]
    cases: tuple[Case, ...]
    provenance: Provenance
    missing: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def has_splits(self) -> bool:
        """Whether the table names splits; if not, nobody knows who was learned from."""
        return [flow.split for flow in self.flow] != [NO_SPLIT]

    @property
    def everybody(self) -> tuple[Flow, ...]:
        """All patients of each split, `train` first: with a score, and without."""
        if self.unscored_train is None:
            return self.flow
        train = sum_flows(
            [self.unscored_train, *(f for f in self.flow if f.split == TRAIN)]
        )
        return (train, *(flow for flow in self.flow if flow.split != TRAIN))

    @property
    def num_learned(self) -> int:
        """How many patients the run's one model learned from; 0 where not known."""
        train = self.unscored_train
        return train.num_positive + train.num_negative if train else 0

    @property
    def point(self) -> OperatingPoint | None:
        """Where the primary score makes its calls: its first operating point."""
        return first_point(self.operating_points, self.names.primary)
