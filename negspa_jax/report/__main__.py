"""Write the report of a study: one page, its tables, figures and data.

python -m negspa_jax.report --run=runs/tri_r50 --out=report
python -m negspa_jax.report --predictions=a.csv,b.csv --cohort=cohort.csv --out=report

A table with the columns patient_id, label, score is enough; every column more (split,
covariates, features, readers' calls) brings its own section. Exit code 0: done;
2: something must be mended first, and was said.
"""

import os
import sys
from pathlib import Path
from typing import Any

from absl import flags

_TEXTS = {
    "run": "directory of a finished training run",
    "cohort": "CSV whose columns are joined to the predictions by patient_id",
    "maps": "folder of class activation maps; default: gradcam in the run's directory",
    "answers": "checklist.csv, or a smaller table, with a person's texts",
    "out": "folder to write into",
    "title": "of the page; default: the first model's name",
    "positive": "name of the positive class",
    "negative": "name of the negative class",
    "score": "the score of headline, subgroups, readers and cases; default: fused, "
    "or the first table's",
    "reference": "split on which cut-offs are chosen; default: train, or validation",
}
_LISTS = {
    "predictions": "predictions tables (CSV), after the run's those of other models",
    "names": "of the models, in the order of their tables",
    "subgroups": "covariates that divide patients, beside the known ones",
    "cutoffs": "further cut-offs, of every score, from 0 to 1",
}
_DEFAULTS = {"positive": "positive", "negative": "negative"}


def main(arguments: list[str]) -> int:
    """Write a report; 0, or 2 and a sentence on stderr."""
    values = _define()
    if {"-h", "--help", "--helpfull", "help"} & set(arguments) or not arguments:
        print(__doc__, *_explain(values), sep="\n")
        return 0 if arguments else 2
    try:
        words = values(["report", *arguments])[1:]
        if words:
            raise ValueError(f"every argument must be a --flag, got {words[0]!r}")
        page = _run(values)
    except flags.Error as error:
        print(f"report: {' '.join(str(error).split())}", file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("report: interrupted", file=sys.stderr)
        return 75
    else:
        print(f"Wrote {page}. Research software, not a medical device.")
        return 0
    return 2


def _define() -> flags.FlagValues:
    values = flags.FlagValues()
    for name, meaning in _TEXTS.items():
        flags.DEFINE_string(name, _DEFAULTS.get(name, ""), meaning, values)
    for name, meaning in _LISTS.items():
        flags.DEFINE_list(name, [], meaning, values)
    meaning = "what an empty clinical feature is: an error, or taken as absent"
    flags.DEFINE_enum("missing", "error", ["error", "absent"], meaning, values)
    meaning = "resamples of each bootstrap interval"
    flags.DEFINE_integer(
        "num_resamples", 1000, meaning, lower_bound=1, flag_values=values
    )
    return values


def _explain(values: flags.FlagValues) -> list[str]:
    """One line for each flag, in the order in which they are needed."""
    order = ["run", "predictions", "cohort", "out", "answers"]
    every = [*_TEXTS, *_LISTS, "missing", "num_resamples"]
    names = [*order, *(name for name in every if name not in order)]
    found = [values[name] for name in names]
    return [f"  --{flag.name}={_as_typed(flag.default)}: {flag.help}" for flag in found]


def _as_typed(default: Any) -> str:
    return ",".join(default) if isinstance(default, list) else str(default)


def _run(values: Any) -> Path:
    # A mistake in the flags is said at once; numpy and matplotlib load after it.
    if not values.out:
        raise ValueError("--out must be given, see --help")
    cutoffs = tuple(_number("--cutoffs", text) for text in values.cutoffs)
    from negspa_jax.evaluate import Options, load_study
    from negspa_jax.report.checklist import read_answers
    from negspa_jax.report.folder import write_report

    answers = read_answers(_path(values.answers)) if values.answers else {}
    options = Options(
        title=values.title,
        positive=values.positive,
        negative=values.negative,
        score=values.score,
        missing=values.missing,
        subgroups=tuple(values.subgroups),
        reference=values.reference,
        cutoffs=cutoffs,
        num_resamples=values.num_resamples,
    )
    study = load_study(
        run=_path(values.run) if values.run else None,
        predictions=[_path(text) for text in values.predictions],
        cohort=_path(values.cohort) if values.cohort else None,
        names=values.names,
        maps=_path(values.maps) if values.maps else None,
        options=options,
    )
    return write_report(study, _path(values.out), answers=answers)


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{flag} must be numbers from 0 to 1, got {text!r}") from None


def _path(text: str) -> Path:
    # A shell leaves the ~ of --flag=~/file to the program.
    return Path(os.path.expanduser(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
