"""Write study.json beside this file: python -m tests.report.golden.make

Two models' image scores of 47 synthetic patients in two splits, one reader. Write it
anew only where a change of what a report says is meant, and read the difference.
First written 2026-11-22, with numpy 2.4.6 and scipy 1.17.1.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from negspa_jax.evaluate import Options, load_study
from negspa_jax.report.record import format_study
from tests.report.studies import write_tables

GOLDEN = Path(__file__).with_name("study.json")


def make_golden() -> str:
    """The text of study.json but for versions, which differ from machine to machine."""
    with tempfile.TemporaryDirectory() as folder:
        tables = write_tables(Path(folder), readers=("A",), features=False)
        options = Options(title="Golden", num_resamples=100)
        study = load_study(predictions=tables, options=options)
    provenance = replace(study.provenance, versions={})
    return format_study(replace(study, provenance=provenance), pictures={})


if __name__ == "__main__":
    GOLDEN.write_text(make_golden(), "utf-8")
