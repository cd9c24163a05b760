"""What the commands of `negspa_jax.predict` may be told."""

from functools import partial
from typing import Any

from absl import flags

from negspa_jax.evaluate.options import Options


def define_score() -> flags.FlagValues:
    """The flags of `score`."""
    values = flags.FlagValues()
    _define_model(values)
    text = partial(flags.DEFINE_string, flag_values=values)
    text("cohort", None, "a cohort table of patients to score")
    text("out", None, "folder to write; of one patient only if it is given")
    meaning = "score mirrored and shifted copies, too, and tell how scores spread"
    flags.DEFINE_boolean("augment", False, meaning, values)
    meaning = "patients read ahead at the same time"
    flags.DEFINE_integer("workers", 2, meaning, lower_bound=1, flag_values=values)
    return values


def define_export() -> flags.FlagValues:
    """The flags of `export`."""
    values = flags.FlagValues()
    text = partial(flags.DEFINE_string, flag_values=values)
    text("run", None, "directory of a finished training run")
    text("out", None, "folder to write; an older bundle there is replaced")
    text("card", None, "model card to put in (Markdown); default: one of the run")
    text("licence", None, "text file that says what may be done with the weights")
    _define_options(values)
    return values


def define_serve() -> flags.FlagValues:
    """The flags of `serve`."""
    values = flags.FlagValues()
    _define_model(values)
    whole = partial(flags.DEFINE_integer, flag_values=values)
    whole("port", 8080, "of 127.0.0.1; 0: any free one", 0, 65535)
    whole("max_mb", 512, "largest upload, all files of a patient together", 1, 8192)
    whole("seconds", 300, "longest time for a score", 1, 86400)
    meaning = "folder where a result is kept if the person at the page asks for it"
    flags.DEFINE_string("keep", None, meaning, values)
    return values


def define_gradcam() -> flags.FlagValues:
    """The flags of `gradcam`."""
    values = flags.FlagValues()
    text, names = (
        partial(define, flag_values=values)
        for define in (flags.DEFINE_string, flags.DEFINE_list)
    )
    text("run", None, "directory of a finished training run")
    where = "folder to write, its table anew; default: gradcam in the run's"
    text("out", None, where)
    names("split", None, "typical and wrong cases of these splits; default: all splits")
    names("patients", None, "these patients, instead of typical and wrong cases")
    text("cohort", None, "the cohort table, if it is no longer where the run read it")
    flags.DEFINE_float(
        "tolerance",
        None,
        "largest difference from the run's own scores; default: 0.0001, or 0.01 of "
        "a run in bfloat16",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=values,
    )
    return values


def _define_model(values: flags.FlagValues) -> None:
    text = partial(flags.DEFINE_string, flag_values=values)
    text("run", None, "directory of a finished training run")
    text("bundle", None, "folder that `export` wrote, instead of a run")
    _define_options(values)


def _define_options(values: flags.FlagValues) -> None:
    text = partial(flags.DEFINE_string, flag_values=values)
    text("positive", None, "of a run: name of the class of label 1")
    text("negative", None, "of a run: name of the class of label 0")
    meaning = "of a run: what an empty clinical feature means: error (no clinical "
    meaning += "score), or absent"
    flags.DEFINE_enum("missing", None, ["error", "absent"], meaning, values)


_OPTIONS = ("positive", "negative", "missing")


def read_options(values: Any) -> Options:
    """What was said of a run's classes and features."""
    given = {name: values[name].value for name in _OPTIONS if values[name].value}
    return Options(**given)


def refuse_options(values: Any) -> None:
    """Raise ValueError where something is said that a bundle already says."""
    for name in _OPTIONS:
        if values[name].value:
            raise ValueError(f"--{name} is of a run; the bundle says it itself")
