"""What a trained model says of patients: scores, maps of evidence, with their records.

Its door is `python -m negspa_jax.predict`; in Python, `load` opens a finished run or a
bundle. Research software, not a medical device.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from negspa_jax.predict.model import Model


def load(path: str | Path) -> "Model":
    """Open a trained model: a bundle, or the directory of a finished run.

    Args:
        path: what `python -m negspa_jax.predict export` wrote, or the `--workdir` of
            a training.

    Returns:
        A model whose `predict` scores a patient; see `predict/model.py`.

    Raises:
        ValueError: if there is neither, or a file of it is damaged.
    """
    from negspa_jax.predict.bundle import SUMS, read_bundle
    from negspa_jax.predict.run_model import open_run_model

    folder = Path(path).expanduser()
    is_bundle = (folder / SUMS).is_file()
    return read_bundle(folder) if is_bundle else open_run_model(folder)
