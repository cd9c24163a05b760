"""Five real patients through the whole of a dual-encoder run (only where they are)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from negspa_jax.predictions import read_predictions
from tests.data.real_patients import write_real_cohort

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_dual_encoder_run_ends_with_predictions_for_all_five(shared, tmp_path):
    cohort = write_real_cohort(shared, tmp_path / "cohort")
    stages = [
        f"--config.stages[{stage}].{setting}"
        for stage in range(2)
        for setting in ("epochs=1", "image_size=64", "batch_size=4")
    ]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "negspa_jax.train"),
            "--config=configs/tri_r18.py",
            f"--workdir={tmp_path / 'run'}",
            f"--config.data.cohort={cohort}",
            "--config.data.sequences=t1w,fs",
            "--config.data.num_folds=2",
            "--config.encoder.weights=none",
            "--config.mixing.num_blocks=16",
            *stages,
        ],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": ""},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    table = read_predictions(tmp_path / "run" / "predictions.csv")
    both = {row.patient_id: row.score for row in table if row.side == "both"}
    assert len(both) == 5
    assert "not a medical device" in done.stdout
