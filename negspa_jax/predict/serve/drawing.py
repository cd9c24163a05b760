"""What a person drew on the pictures, checked, as columns of the cohort table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from negspa_jax.columns import FEATURES
from negspa_jax.config import Data
from negspa_jax.data.rvoi import AXES, Clicks, draw_rvoi
from negspa_jax.predict.serve.refusal import Refusal
from negspa_jax.predict.serve.sessions import Session

_ANSWERS = ("", "0", "1")


def read_region(session: Session, wish: Mapping[str, Any]) -> dict[str, str]:
    """The columns of six clicks.

    Args:
        session: whose volumes they were made on.
        wish: `sequence`; `corners`, four of x, y in voxels along the two in-plane axes
            of the stored array; `first` and `last` slice, counted from 0.

    Raises:
        Refusal: something is missing or no number.
        CaseError: they make no region.
    """
    sequence = wish.get("sequence")
    upload = session.uploads.get(sequence) if isinstance(sequence, str) else None
    if upload is None or "through" not in upload.facts.get("view", {}):
        raise Refusal(400, "the region must be drawn on a volume that is there")
    corners = [_read_numbers(point, 2) for point in _read_list(wish.get("corners"))]
    if len(corners) != 4:
        raise Refusal(400, f"the region must have four corners, got {len(corners)}")
    first, last = (_read_slice(wish.get(name), name) for name in ("first", "last"))
    axis = AXES[upload.facts["view"]["through"]]
    draw_rvoi(Clicks(upload.path, tuple(corners), first, last, through=axis))
    return {
        "rvoi_corners": "; ".join(f"{x:.2f},{y:.2f}" for x, y in corners),
        "rvoi_first": str(first),
        "rvoi_last": str(last),
        "rvoi_sequence": str(sequence),
        "rvoi_axis": axis,
    }


def read_crop(session: Session, wish: Mapping[str, Any]) -> tuple[str, str]:
    """The column of a radiograph's crop box and its cell, "" for none.

    Args:
        session: whose radiograph it is.
        wish: `view`; `box`, top, left, bottom, right in shares of the picture, or
            None.

    Raises:
        Refusal: it is no box.
    """
    view = wish.get("view")
    upload = session.uploads.get(view) if isinstance(view, str) else None
    if upload is None or "pixels" not in upload.facts.get("view", {}):
        raise Refusal(400, "the box must be drawn on a radiograph that is there")
    if wish.get("box") is None:
        return f"crop:{view}", ""
    shares = np.array(_read_numbers(wish["box"], 4)).clip(0, 1)
    height, width = upload.facts["view"]["pixels"]
    edges = np.rint(shares * (height, width, height, width)).astype(int)
    if edges[0] >= edges[2] or edges[1] >= edges[3]:
        raise Refusal(400, "the box must be larger than a pixel: draw it again")
    return f"crop:{view}", ",".join(map(str, edges))


def read_features(wish: Any) -> dict[str, str]:
    """The columns of the features that are known.

    Raises:
        Refusal: a name or an answer is none of the known ones.
    """
    if not isinstance(wish, dict):
        raise Refusal(400, "the features must be given by name")
    for name, answer in wish.items():
        if name not in FEATURES or answer not in _ANSWERS:
            raise Refusal(
                400,
                "a feature must be yes (1), no (0) or not known, got "
                f"{str(name)[:40]!r}: {str(answer)[:40]!r}",
            )
    return {name: answer for name, answer in wish.items() if answer}


def describe_drawing(columns: Mapping[str, str], data: Data) -> dict[str, Any]:
    """The region and the crops that a patient was scored with, as plain values.

    Args:
        columns: of the patient, as they were scored.
        data: of the model's config.

    Returns:
        `region`: corners in voxels, first and last slice counted from 0 along the axis
        i, j or k of the stored array, or that it is a mask;
        None of a radiograph. `crops`: top, left, bottom, right in pixels by view, None
        for the whole picture; none of an MRI.
    """
    if data.kind != "mri":
        cells = {view: columns.get(f"crop:{view}", "") for view in data.sequences}
        crops = {
            view: [int(edge) for edge in cell.split(",")] if cell else None
            for view, cell in cells.items()
        }
        return {"region": None, "crops": crops}
    if "rvoi" in columns:
        # Its contents are named by SHA-256; its name may name the patient.
        return {"region": {"source": "mask"}, "crops": {}}
    points = columns["rvoi_corners"].split(";")
    region = {
        "source": "clicks",
        "sequence": columns["rvoi_sequence"],
        "axis": columns["rvoi_axis"],
        "corners": [[float(number) for number in p.split(",")] for p in points],
        "first": int(columns["rvoi_first"]),
        "last": int(columns["rvoi_last"]),
    }
    return {"region": region, "crops": {}}


def _read_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refusal(400, "the corners must be a list of points")
    return value


def _read_numbers(value: Any, count: int) -> tuple[float, ...]:
    whole = isinstance(value, list) and len(value) == count
    if not whole or not all(type(number) in (int, float) for number in value):
        raise Refusal(400, f"a point or box must be {count} numbers")
    try:
        numbers = tuple(float(number) for number in value)
    except OverflowError:
        numbers = (np.inf,)
    if not np.isfinite(numbers).all():
        raise Refusal(400, "a point or box must be of finite numbers")
    return numbers


def _read_slice(value: Any, name: str) -> int:
    if type(value) is not int:
        raise Refusal(400, f"the {name} slice must be chosen: press its button there")
    return value
