"""What happened in each epoch: a line of JSON, a row of CSV, a point in TensorBoard."""

import csv
import json
from pathlib import Path
from typing import Any

from negspa_jax.whole_file import write_text

Row = dict[str, Any]


class History:
    """The epochs of one fold, in the order in which they were trained."""

    def __init__(self, folder: Path, *, tensorboard: bool, writes: bool = True) -> None:
        # Of several processes that train one fold, one writes.
        self._writes = writes
        self._lines = folder / "history.jsonl"
        self._table = folder / "history.csv"
        self._writer = (
            find_tensorboard()(str(folder / "tensorboard")) if tensorboard else None
        )

    def rewind(self, stage: int, epoch: int) -> None:
        """Forget the epochs from this one on: they will be trained again."""
        if not self._writes or not self._lines.exists():
            return
        kept = [r for r in self._rows() if (r["stage"], r["epoch"]) < (stage, epoch)]
        write_text(self._lines, "".join(json.dumps(row) + "\n" for row in kept))

    def add(self, row: Row) -> None:
        """Append an epoch."""
        if not self._writes:
            return
        with self._lines.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if self._writer is not None:
            step = len(self._rows())
            for name in ("train_loss", "validation_auc", "learning_rate"):
                self._writer.add_scalar(name, row[name], step)

    def close(self) -> None:
        """Write the table and free the writer."""
        if self._writes and self._lines.exists() and (rows := self._rows()):
            with self._table.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        if self._writer is not None:
            self._writer.close()

    def _rows(self) -> list[Row]:
        rows = []
        for line in self._lines.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:  # the last line of a run that was killed
                break
        return rows


def find_tensorboard() -> Any:
    """Return the class that writes for TensorBoard.

    Raises:
        ValueError: if its package is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ValueError(
            "config.runtime.tensorboard needs the package tensorboardX, which is not "
            "installed: pip install negspa_jax[tensorboard]"
        ) from None
    return SummaryWriter
