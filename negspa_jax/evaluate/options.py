"""What a person may say of a study: names, primary score, operating points."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What a person may say of a study.

    `title`: default: the model's name. `positive`, `negative`: the classes' names.
    `score`: the primary score; default: `fused` where there are clinical features.
    `missing`: what an empty feature means, "error" (then there are no clinical scores)
    or "absent". `subgroups`: covariates beside those of `columns.COVARIATES`.
    `reference`: the split that chooses operating points; default: `train`, else
    `validation`. `cutoffs`: further operating points, of every score.
    """

    title: str = ""
    positive: str = "positive"
    negative: str = "negative"
    score: str = ""
    missing: str = "error"
    subgroups: tuple[str, ...] = ()
    reference: str = ""
    cutoffs: tuple[float, ...] = ()
    num_resamples: int = 1000

    def __post_init__(self) -> None:
        if self.positive == self.negative:
            raise ValueError(
                f"--positive and --negative must differ, got {self.positive!r} twice"
            )


DEFAULTS = Options()
