"""What a run's config says of patients, labels and images, in sentences.

Each function returns "" where the study has no run: a table from elsewhere does not
tell how its scores were made.
"""

from negspa_jax.report.run_config import Config, list_sizes, of_run

_INTENSITIES = {
    "zscore": "z-scores over the volume, clipped at {z_clip:g}, mapped to [0, 1]",
    "minmax_slice": "each slice mapped to [0, 1] by its own minimum and maximum",
    "percentile": "1st to 99th percentile of the volume mapped to [0, 1], clipped",
}
_CENTRES = {
    "lateral": "centred near the lateral border of its half of the region",
    "half": "centred on its half of the region",
}
_GRADES = (
    "grades of both joints: 1 where grade 2 or more is on both sides, or 3 or more on "
    "one (modified New York criteria)"
)
_READERS = "calls of two or three readers: what two of them say; others have no label"
# What each rule of `data.reference` takes a label from.
_RULES = {
    "label": "the table's column label, as it stands",
    "grades": _GRADES,
    "readers": _READERS,
    "agreement": "calls of two readers where they agree; others have no label",
    "auto": "the table's column label, as it stands; of a table without one from "
    f"{_GRADES}; of one without grades from {_READERS}",
}
_PERCENTILES = "by the percentiles 0.5 and 99.5"
_WINDOWS = {
    "first": f"by a DICOM file's first window or table, else {_PERCENTILES}",
    "percentiles": _PERCENTILES,
}


@of_run
def name_data_source(config: Config) -> str:
    """That patients are synthetic, if they are; of real ones only a person knows."""
    if config["data.cohort"]:
        return ""
    return "Synthetic patients, drawn by this software; nobody was examined."


@of_run
def describe_reference(config: Config) -> str:
    """What the label was taken from."""
    return f"The label is taken from {_RULES[config['data.reference']]}."


@of_run
def list_images(config: Config) -> str:
    """Which images enter."""
    names = config["data.sequences"]
    if config["data.kind"] == "mri":
        return f"Image inputs: {', '.join(names)}."
    if len(names) == 1:
        return f"Image input: one radiograph of each patient (column {names[0]})."
    return f"Image inputs: radiographs of {len(names)} views ({', '.join(names)})."


@of_run
def describe_preprocessing(config: Config) -> str:
    """From the values of a file to the numbers that the network sees."""
    pixels = " and ".join(f"{size} x {size}" for size in list_sizes(config))
    normalised = (
        " The network's first operation normalises by ImageNet's mean and deviation."
        if config["encoder.normalize"] == "imagenet"
        else ""
    )
    prepare = _prepare_mri if config["data.kind"] == "mri" else _prepare_radiograph
    return prepare(config, pixels) + normalised


def _prepare_mri(config: Config, pixels: str) -> str:
    way = _INTENSITIES[config["data.intensity"]].format(z_clip=config["data.z_clip"])
    mirrored = " Left sides were mirrored." if config["data.mirror_left"] else ""
    return f"Intensities: {way}. Sub-images of {pixels} pixels.{mirrored}"


def _prepare_radiograph(config: Config, pixels: str) -> str:
    window = config["radiograph.window"]
    named = f"number {window}" if window.isdecimal() else f"“{window}”"
    way = _WINDOWS.get(window, f"by a DICOM file's window or table {named}")
    modalities = ", ".join(config["radiograph.modalities"])
    return (
        f"Radiographs as DICOM (modality {modalities}), PNG or TIFF. Grey values were "
        f"mapped to [0, 1] {way}, and inverted once where the lowest value is the "
        "brightest. Images were padded with black to a square and resized to "
        f"{pixels} pixels."
    )


@of_run
def describe_subsets(config: Config) -> str:
    """Which part of each image was used."""
    if config["data.kind"] != "mri":
        return "The whole radiograph, or the box that the table gives, and no region."
    sides = config["data.sides"]
    if sides == "whole":
        where = f"one window of {config['data.window_mm']:g} mm on the whole region"
    elif config["data.window"] == "half":
        where = f"each half of the region's box (sides: {sides})"
    else:
        centre = _CENTRES[config["data.centre"]]
        size = f"{config['data.window_mm']:g} mm"
        where = f"a square window of {size} for each side (sides: {sides}), {centre}"
    return (
        "Of each sequence, the three middle slices of the region of interest "
        f"(plane: {config['data.plane']}); {where}."
    )
