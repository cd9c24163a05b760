"""`check` opens everything and hides nothing; its sheet shows every patient."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negspa_jax.data.__main__ import main
from negspa_jax.data.contact_sheet import Contact, SheetWriter, shrink_images
from tests.data.synthetic import box_mask, make_affine, rotate, write_volume

SHAPE = (24, 22, 7)
AFFINE = make_affine(SHAPE, (8.0, 8.0, 10.0))


def read_sheet(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def make_cohort(folder: Path, count: int, *sequences: str, **cells: str) -> Path:
    rows = []
    for number in range(count):
        row = {"patient_id": f"P{number}", "split": "train", "label": str(number % 2)}
        for shift, name in enumerate(sequences):
            path = folder / f"{number}_{name}.nii.gz"

            def value(points, phase=10 * number + shift):
                return np.sin(points[..., 0] / 20 + phase) + points[..., 2] / 50

            write_volume(path, AFFINE, SHAPE, value)
            row[name] = path.name
        row["rvoi"] = f"{number}_rvoi.nii.gz"
        box = box_mask((-60, -20, -40), (60, 20, 40))
        write_volume(folder / row["rvoi"], AFFINE, SHAPE, box, "uint8")
        rows.append(row | cells)
    with (folder / "cohort.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cohort.csv"


def test_a_sound_cohort_is_summarised_and_passes(tmp_path, capsys):
    table = make_cohort(tmp_path, 4, "t1w", "pd")
    assert main(["check", f"--cohort={table}", "--sequences=t1w,pd"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["train", "4", "2", "2", "0"]
    assert "24 x 22 x 7 (4)" in lines[4]
    assert "8 x 8 x 10 mm (4)" in lines[4]
    assert lines[4].split()[-4:] == ["LSP", "(4)", "coronal", "(4)"]
    assert lines[-1].endswith("4 patients read, all can be used.")


def test_every_problem_of_table_and_files_is_listed_in_one_run(tmp_path, capsys):
    table = make_cohort(tmp_path, 6, "t1w", "pd")
    (tmp_path / "0_t1w.nii.gz").write_bytes(b"version https://git-lfs.github.com")
    (tmp_path / "0_pd.nii.gz").write_bytes(b"")
    (tmp_path / "1_rvoi.nii.gz").write_bytes(b"\x1f\x8b broken")
    (tmp_path / "3_pd.nii.gz").write_bytes(b"text")
    far = make_affine(SHAPE, (8.0, 8.0, 10.0), centre=(900, 0, 0))
    whole = box_mask((-2000, -2000, -2000), (2000, 2000, 2000))
    write_volume(tmp_path / "2_rvoi.nii.gz", far, SHAPE, whole, "uint8")
    (tmp_path / "4_pd.nii.gz").write_bytes((tmp_path / "5_pd.nii.gz").read_bytes())
    table.write_text(table.read_text().replace("P3,train,1", "P3,train,one"))
    sheet = tmp_path / "out" / "sheet.png"
    flags = [f"--cohort={table}", "--sequences=t1w,pd", f"--contact_sheet={sheet}"]
    assert main(["check", *flags]) == 2
    out = capsys.readouterr().out
    for words in (
        "row 5 (patient P3), column label: must be 0 or 1 in the split train, got "
        "'one'",
        "patient P0, file",
        "0_t1w.nii.gz: must be a NIfTI file, got a git-LFS pointer",
        "0_pd.nii.gz: must be a NIfTI file, got an empty file",
        "1_rvoi.nii.gz: must be",
        "the RVOI (2_rvoi.nii.gz) lies outside",
        "have an image of the same bytes",
        "3_pd.nii.gz: must be a NIfTI file, got text",
        "7 problems:",
        "not all can be used",
    ):
        assert words in out
    pixels = read_sheet(sheet)
    # Four of the six are red tiles with their reasons.
    assert (pixels == (139, 0, 0)).all(axis=-1).sum() > 4 * 60_000


def test_a_file_changed_since_the_manifest_is_a_problem(tmp_path, capsys):
    table = make_cohort(tmp_path, 2, "t1w")
    flags = [f"--cohort={table}", "--sequences=t1w", f"--manifest={tmp_path / 'm.csv'}"]
    assert main(["check", *flags]) == 0
    write_volume(tmp_path / "1_t1w.nii.gz", AFFINE, SHAPE, lambda p: p[..., 0])
    assert main(["check", *flags]) == 2
    assert "patient P1, file 1_t1w.nii.gz (t1w): must be" in capsys.readouterr().out


def test_warnings_are_told_and_do_not_fail(tmp_path, capsys):
    table = make_cohort(tmp_path, 1, "t1w")
    flags = [f"--cohort={table}", "--sequences=t1w", "--window_mm=400"]
    assert main(["check", *flags]) == 0
    out = capsys.readouterr().out
    assert "3 warnings:" in out
    assert "the split 'train' has no patients of both classes" in out
    assert "patient P0, t1w: 79% of the left window lies outside" in out


def test_unlabelled_patients_pass_where_no_label_is_required(tmp_path):
    table = make_cohort(tmp_path, 2, "t1w", label="")
    flags = [f"--cohort={table}", "--sequences=t1w"]
    assert main(["check", *flags]) == 2
    assert main(["check", *flags, "--norequire_labels"]) == 0


def test_whole_windows_are_checked_for_any_organ(tmp_path):
    table = make_cohort(tmp_path, 2, "a", "b", "c")
    sheet = tmp_path / "sheet.png"
    flags = [f"--cohort={table}", "--sequences=a,b,c", "--sides=whole"]
    assert main(["check", *flags, f"--contact_sheet={sheet}"]) == 0
    assert read_sheet(sheet).shape[1] > 2 * 3 * 144


def test_the_sheet_shows_the_patients_right_on_the_left(tmp_path):
    images = np.zeros((2, 1, 32, 32, 3), "float32")
    images[0, ..., 1] = 1.0  # the patient's left is white
    contact = Contact("P", "train", 1, shrink_images(images))
    writer = SheetWriter(tmp_path / "s.png", ("t1w",), ("left", "right"))
    writer.add(contact)
    assert writer.close() == [tmp_path / "s.png"]
    pixels = read_sheet(tmp_path / "s.png")
    # 120 px of text, then the right (black), then the left (white).
    assert pixels[40:140, 130:260].mean() < 1
    assert pixels[40:140, 280:400].mean() > 250


def test_many_patients_go_on_several_pages(tmp_path):
    writer = SheetWriter(tmp_path / "s.png", ("t1w",), ("whole",))
    for number in range(45):
        writer.add(Contact(f"P{number}", "train", None, None, "must be " * 40))
    pages = [tmp_path / name for name in ("s.png", "s_2.png", "s_3.png")]
    assert writer.close() == pages
    one, two, three = (read_sheet(page).shape for page in pages)
    assert one == two
    assert three[0] < two[0]


@pytest.mark.parametrize("text", ["Łódź 7", "x" * 90, "患者"])
def test_any_patient_id_can_be_drawn(tmp_path, text):
    writer = SheetWriter(tmp_path / "s.png", ("t1w",), ("whole",))
    writer.add(Contact(text, "train", 1, None, text))
    assert len(writer.close()) == 1


def test_an_accent_is_dropped_where_the_font_cannot_draw_it(tmp_path):
    names = ("König 7", "Konig 7")
    pages = [tmp_path / f"{number}.png" for number in range(2)]
    for name, page in zip(names, pages, strict=True):
        writer = SheetWriter(page, ("pd",), ("whole",))
        writer.add(Contact(name, "train", 1, None, name))
        writer.close()
    np.testing.assert_array_equal(read_sheet(pages[0]), read_sheet(pages[1]))


def test_a_mask_of_several_patients_is_a_warning(tmp_path, capsys):
    table = make_cohort(tmp_path, 3, "t1w")
    table.write_text(table.read_text().replace("2_rvoi", "1_rvoi"))
    assert main(["check", f"--cohort={table}", "--sequences=t1w"]) == 0
    out = capsys.readouterr().out
    assert "1 warning:" in out
    assert "1_rvoi.nii.gz serves 2 patients (P1, P2): right only where" in out


def test_slices_of_different_planes_are_a_warning(tmp_path, capsys):
    shape, flat = (24, 24, 24), [(40, 40, 10), (40, 10, 40), (40, 40, 10)]
    table = make_cohort(tmp_path, 3, "t1w")
    affine = make_affine(shape, (8.0, 8.0, 8.0))
    for number, high in enumerate(flat):
        image, mask = (tmp_path / f"{number}_{n}.nii.gz" for n in ("t1w", "rvoi"))
        write_volume(image, affine, shape, lambda p, n=number: p[..., 0] + n)
        low = tuple(-side for side in high)
        write_volume(mask, affine, shape, box_mask(low, high), "uint8")
    flags = [f"--cohort={table}", "--sequences=t1w", "--sides=whole"]
    assert main(["check", *flags]) == 0
    words = "t1w is cut in different planes, axial (2), coronal (1): slices run"
    assert words in capsys.readouterr().out


def test_one_protocol_tilted_a_little_more_or_less_is_no_warning(tmp_path, capsys):
    table = make_cohort(tmp_path, 3, "t1w")
    for number, angle in enumerate((10.0, 40.0, 50.0)):
        tilt = rotate((angle, 0.0, 0.0))
        affine = make_affine(SHAPE, (8.0, 8.0, 10.0), rotation=tilt)
        image = tmp_path / f"{number}_t1w.nii.gz"
        write_volume(image, affine, SHAPE, lambda p, n=number: p[..., 0] + n)
    assert main(["check", f"--cohort={table}", "--sequences=t1w"]) == 0
    out = capsys.readouterr().out
    assert "oblique (2), coronal (1)" in out
    assert "different planes" not in out


def test_a_directory_is_no_cohort(tmp_path, capsys):
    assert main(["check", f"--cohort={tmp_path}"]) == 2
    assert "must be a CSV file, got a directory" in capsys.readouterr().out


def test_a_tilde_is_the_home_directory(tmp_path, monkeypatch):
    make_cohort(tmp_path, 2, "t1w")
    monkeypatch.setenv("HOME", str(tmp_path))
    flags = ["--cohort=~/cohort.csv", "--contact_sheet=~/sheet.png"]
    assert main(["check", *flags, "--sequences=t1w"]) == 0
    assert (tmp_path / "sheet.png").is_file()


def test_ctrl_c_is_a_word_and_code_75(tmp_path, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("negspa_jax.data.check.check_cohort", stop)
    assert main(["check", f"--cohort={tmp_path}"]) == 75
    assert capsys.readouterr().err == "check: interrupted\n"
