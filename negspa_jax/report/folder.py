"""A report as files: each is there whole, or as it was before."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from negspa_jax.evaluate.provenance import hash_bytes
from negspa_jax.evaluate.study import Study
from negspa_jax.report.blocks import Album, Gallery, Section
from negspa_jax.report.chapters import list_sections
from negspa_jax.report.checklist import Item, fill_checklists, write_checklist
from negspa_jax.report.model_card import format_model_card
from negspa_jax.report.page import format_page
from negspa_jax.report.pictures import name_picture
from negspa_jax.report.record import format_study
from negspa_jax.report.tables.table import Table

_SUMS = "SHA256SUMS"


def write_report(
    study: Study,
    out: str | Path,
    *,
    answers: Mapping[tuple[str, str], str] | None = None,
) -> Path:
    """Write report.html, study.json, tables, figures, checklist and model card.

    Everything is made before the first file is touched. `SHA256SUMS` lists what was
    written; files of an earlier report that this one has not are removed.

    Args:
        study: from `evaluate.load_study`.
        out: the folder; made if absent.
        answers: to the checklists, from `read_answers`.

    Returns:
        The page's path.

    Raises:
        ValueError: if the folder holds a file that would be lost: one that no report
            wrote, or that was changed since, or a checklist with a person's answers.
    """
    out = Path(out)
    items = fill_checklists(study, answers=answers)
    files = make_files(study, items)
    earlier = _read_sums(out)
    _refuse_to_lose(out, files, earlier)
    out.mkdir(parents=True, exist_ok=True)
    write_checklist(out / "checklist.csv", items)
    _put(out, {**files, _SUMS: _format_sums(files)})
    _remove_stale(out, {name: earlier[name] for name in earlier if name not in files})
    return out / "report.html"


def make_files(study: Study, items: Sequence[Item]) -> dict[str, bytes]:
    """Every file of a report but the checklist: name in the folder -> content.

    Args:
        study: what is shown.
        items: of the checklists.

    Returns:
        The same study and items give the same bytes.
    """
    sections = list_sections(study, items)
    pictures = {
        found.sha256: name_picture(number)
        for number, found in enumerate(study.provenance.maps, start=1)
    }
    texts = {
        "report.html": format_page(study, sections, items),
        "study.json": format_study(study, pictures=pictures),
        "model_card.md": format_model_card(study, items),
        **_list_parts(sections),
    }
    images = {
        picture.file: picture.png
        for section in sections
        for block in section.blocks
        if isinstance(block, Album)
        for picture in block.pictures
    }
    return {name: text.encode() for name, text in texts.items()} | images


def _list_parts(sections: Sequence[Section]) -> dict[str, str]:
    """Tables and the points of curves as CSV, panels as SVG."""
    found: dict[str, str] = {}
    for section in sections:
        for block in section.blocks:
            table = block if isinstance(block, Table) else None
            if isinstance(block, Gallery):
                found |= {f"figures/{p.name}.svg": p.as_file() for p in block.panels}
                table = block.points
            if table is not None:
                found[f"tables/{table.name}.csv"] = table.as_csv()
    return found


def _format_sums(files: Mapping[str, bytes]) -> bytes:
    lines = (f"{hash_bytes(files[name])}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def _read_sums(out: Path) -> dict[str, str]:
    """What an earlier report wrote here: name -> SHA-256."""
    path = out / _SUMS
    if not path.is_file():
        return {}
    lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition("  ")[::2] for line in lines)
    return {name: sha256 for sha256, name in pairs}


def _refuse_to_lose(
    out: Path, files: Mapping[str, bytes], earlier: Mapping[str, str]
) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, got the file {out}")
    for name, content in files.items():
        path = out / name
        if not path.is_file():
            continue
        found = path.read_bytes()
        if found != content and hash_bytes(found) != earlier.get(name):
            raise ValueError(
                f"--out must hold nothing that would be lost, but {path} was changed "
                "after a report was written, or was written by no report: move it "
                "away, or name another folder"
            )


def _put(out: Path, files: Mapping[str, bytes]) -> None:
    """Write all beside their places, then move each to its own, the sums last."""
    with tempfile.TemporaryDirectory(dir=out, prefix=".part-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in files:
            (out / name).parent.mkdir(exist_ok=True)
            os.replace(Path(folder) / name, out / name)


def _remove_stale(out: Path, stale: Mapping[str, str]) -> None:
    """Remove an earlier report's files, but for those that somebody changed."""
    for name, sha256 in stale.items():
        path = (out / name).resolve()
        inside = path.is_relative_to(out.resolve())
        if inside and path.is_file() and hash_bytes(path.read_bytes()) == sha256:
            path.unlink()
