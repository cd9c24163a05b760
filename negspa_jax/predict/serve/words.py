"""The page's words for what a model reads and what is asked of a patient."""

from collections.abc import Mapping
from typing import Any

from negspa_jax.predict.model import Model

# By column, in the order of `columns.FEATURES`.
FEATURE_WORDS = {
    "arthritis": "Arthritis",
    "heel_enthesitis": "Enthesitis of the heel",
    "uveitis": "Uveitis",
    "dactylitis": "Dactylitis",
    "psoriasis": "Psoriasis",
    "ibd": "Inflammatory bowel disease",
    "nsaid_response": "Good response to NSAIDs",
    "family_history": "Family history of spondyloarthritis",
    "elevated_crp": "Elevated CRP",
}


def describe_model(model: Model) -> dict[str, Any]:
    """What the page says of a model: kind, files, what the score is of."""
    data = model.config.data
    is_mri = data.kind == "mri"
    num_files = len(data.sequences)
    one = "one MRI volume" if is_mri else "one radiograph"
    many = f"{num_files} {'MRI volumes' if is_mri else 'radiographs'}"
    return {
        "kind": data.kind,
        "sequences": data.sequences,
        "needs": one if num_files == 1 else many,
        "step": "Region" if is_mri else "Crop",
        "accept": ".nii,.nii.gz,.gz" if is_mri else ".dcm,.dicom,.png,.tif,.tiff",
        "formats": "NIfTI (.nii or .nii.gz)" if is_mri else "DICOM, PNG or TIFF",
        "positive": model.positive,
    }


def word_drawing(report: Mapping[str, Any], *, mask: str) -> str:
    """The line of a result that says which part of the pictures was scored.

    Args:
        report: from `describe_result`.
        mask: the visitor's name of the mask's file, if there is one.
    """
    region = report["region"]
    if region is None:
        boxes = [f"{view}, {_word_box(box)}" for view, box in report["crops"].items()]
        return f"Scored: {'; '.join(boxes)}."
    if region["source"] == "mask":
        return f"Scored: the region of the mask {mask}."
    corners = "; ".join(f"{x:g}, {y:g}" for x, y in region["corners"])
    return (
        f"Scored: the region with the corners {corners} (voxels from 0), drawn on "
        f"{region['sequence']}, slices {region['first']} to {region['last']}."
    )


def _word_box(box: list[int] | None) -> str:
    if box is None:
        return "the whole picture"
    return f"the box {', '.join(map(str, box))} (top, left, bottom, right in pixels)"
