"""The five real patients of the shared files, as a cohort of two sequences.

The six clicks were chosen by looking at the images: four corners on the slice with
the largest joint area (upper patient's right, upper left, lower left, lower right;
voxels counted from 0), first and last slice with joint.
"""

import csv
from pathlib import Path

from negspa_jax.data.__main__ import main
from negspa_jax.data.nifti import read_nifti

CLICKS = {
    "1003": ("70,238; 262,238; 250,122; 82,122", 8, 18),
    "1007": ("51,238; 278,238; 254,132; 78,132", 5, 14),
    "1012": ("60,196; 266,206; 244,108; 94,100", 5, 17),
    "1013": ("58,177; 274,177; 250,80; 88,84", 4, 15),
    "1016": ("76,202; 260,203; 246,92; 97,90", 8, 18),
}
SEQUENCES = ("t1w", "fs")


def write_real_cohort(shared: Path, out_dir: Path) -> Path:
    """Mark the region of each patient by the `rvoi` command, and write cohort.csv.

    Label 1: the first reading of the first reader marked at least as many voxels of
    inflammation as the median of the five patients.
    """
    images = shared / "data" / "sij_mri"
    counts = {name: _count_inflamed(images, name) for name in CLICKS}
    median = sorted(counts.values())[len(counts) // 2]
    out_dir.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, (corners, first, last) in CLICKS.items():
        image, mask = images / f"{name}_T1W.nii.gz", out_dir / f"{name}_rvoi.nii.gz"
        flags = [f"--image={image}", f"--corners={corners}", f"--out={mask}"]
        assert main(["rvoi", *flags, f"--first={first}", f"--last={last}"]) == 0
        fat_suppressed = images / f"{name}_STIR.nii.gz"
        label = int(counts[name] >= median)
        rows.append((name, "train", label, image, fat_suppressed, mask.name))
    table = out_dir / "cohort.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("patient_id", "split", "label", *SEQUENCES, "rvoi"))
        writer.writerows(rows)
    return table


def _count_inflamed(images: Path, name: str) -> int:
    mask = read_nifti(images / "masks" / f"{name}_inflammation_R11.nii.gz")
    return int((mask.data > 0).sum())
