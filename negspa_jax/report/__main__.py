"""Write the report of a study: one page, its tables, figures and data.

python -m negspa_jax.report --run=runs/tri_r50 --out=report
python -m negspa_jax.report --predictions=a.csv,b.csv --cohort=cohort.csv --out=report

A table with the columns patient_id, label, score is enough; every column more (split,
covariates, features, readers' calls) brings its own section. Exit code 0: done;
2: something must be mended first, and was said.
"""

import sys
from typing import Any

from absl import flags

from negspa_jax.door import (
    EXIT_MISTAKE,
    Command,
    parse_optional_path,
    parse_path,
    require_flags,
    run_command,
)

# Name -> default (a list takes several, with commas), and what it is.
_FLAGS: dict[str, tuple[str | list[str], str]] = {
    "run": ("", "directory of a finished training run"),
    "predictions": (
        [],
        "predictions tables (CSV), after the run's those of other models",
    ),
    "cohort": ("", "CSV whose columns are joined to the predictions by patient_id"),
    "out": ("", "folder to write into"),
    "answers": ("", "checklist.csv, or a smaller table, with a person's texts"),
    "maps": (
        "",
        "folder of class activation maps; default: gradcam in the run's directory",
    ),
    "names": ([], "of the models, in the order of their tables"),
    "title": ("", "of the page; default: the first model's name"),
    "positive": ("positive", "name of the positive class"),
    "negative": ("negative", "name of the negative class"),
    "score": (
        "",
        "the score of headline, subgroups, readers and cases; default: fused, or the "
        "first table's",
    ),
    "reference": (
        "",
        "split on which cut-offs are chosen; default: train, or validation",
    ),
    "cutoffs": ([], "further cut-offs, of every score, from 0 to 1"),
    "subgroups": ([], "covariates that divide patients, beside the known ones"),
}


def main(arguments: list[str]) -> int:
    """Write a report; return the exit code."""
    # Without a flag there is nothing to do but to explain.
    code = run_command(
        "report", Command(_define, _run), arguments or ["--help"], about=__doc__
    )
    return code if arguments else EXIT_MISTAKE


def _define() -> flags.FlagValues:
    values = flags.FlagValues()
    for name, (default, meaning) in _FLAGS.items():
        if isinstance(default, list):
            flags.DEFINE_list(name, default, meaning, values)
        else:
            flags.DEFINE_string(name, default, meaning, values)
    meaning = "what an empty clinical feature is: an error, or taken as absent"
    flags.DEFINE_enum("missing", "error", ["error", "absent"], meaning, values)
    meaning = "resamples of each bootstrap interval"
    flags.DEFINE_integer(
        "num_resamples", 1000, meaning, lower_bound=1, flag_values=values
    )
    return values


def _run(values: Any) -> int:
    # A mistake in the flags is said at once; numpy and matplotlib load after it.
    require_flags(values, "out")
    cutoffs = tuple(_number("--cutoffs", text) for text in values.cutoffs)
    from negspa_jax.evaluate import Options, load_study
    from negspa_jax.report.checklist import read_answers
    from negspa_jax.report.folder import write_report

    path = parse_optional_path(values.answers)
    answers = read_answers(path) if path else {}
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
        run=parse_optional_path(values.run),
        predictions=[parse_path(text) for text in values.predictions],
        cohort=parse_optional_path(values.cohort),
        names=values.names,
        maps=parse_optional_path(values.maps),
        options=options,
    )
    page = write_report(study, parse_path(values.out), answers=answers)
    print(f"Wrote {page}. Research software, not a medical device.")
    return 0


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{flag} must be numbers from 0 to 1, got {text!r}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
