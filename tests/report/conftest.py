"""One small study for the whole room, and the files of its report, made once."""

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from negspa_jax.evaluate import Options, load_study
from negspa_jax.evaluate.provenance import CaseMap, Epoch
from negspa_jax.report.chapters import list_sections
from negspa_jax.report.checklist import fill_checklists
from negspa_jax.report.folder import make_files
from tests.report.studies import write_bare, write_tables


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Two splits, four scores, two readers with and without help, a run's traces."""
    first, _ = write_tables(tmp_path_factory.mktemp("tables"))
    # How finely intervals are resampled changes nothing of how they are shown.
    found = load_study(predictions=[first], options=Options(num_resamples=50))
    picture = io.BytesIO()
    Image.new("L", (8, 8), 128).save(picture, "png")
    wrong = next(case for case in found.cases if case.outcome.startswith("false"))
    right = next(case for case in found.cases if case.outcome.startswith("true"))
    maps = [
        CaseMap(
            case.patient_id, case.split, picture.getvalue() + bytes([n]), f"{n:064}"
        )
        for n, case in enumerate([wrong, right])
    ]
    epochs = [
        Epoch(fold, stage, epoch, 0.001, 1 / (epoch + stage), 0.5 + 0.1 * stage)
        for fold in (0, 1)
        for stage in (1, 2)
        for epoch in range(1, 4)
    ]
    provenance = replace(found.provenance, maps=tuple(maps), training=tuple(epochs))
    missing = {key: found.missing[key] for key in found.missing.keys() - {"maps"}}
    return replace(found, provenance=provenance, missing=missing)


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """Labels and scores from elsewhere, and nothing else."""
    path = write_bare(tmp_path_factory.mktemp("bare") / "scores.csv")
    return load_study(predictions=[path])


@pytest.fixture(scope="session")
def items(study):
    """The checklists as the machine fills them."""
    return fill_checklists(study)


@pytest.fixture(scope="session")
def files(study, items):
    """Every file of the small study's report."""
    return make_files(study, items)


@pytest.fixture(scope="session")
def sections(study, items):
    """The sections of the small study's page."""
    return list_sections(study, items)


@pytest.fixture(scope="session")
def page(files):
    """The small study's page, read as a browser reads it."""
    return read_page(files["report.html"].decode())


class Page(HTMLParser):
    """Elements, attributes, text and tables of a page."""

    def __init__(self):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._in_cell = False
        self._hidden = False

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag == "style" or (self._hidden and tag != "body")
        if tag == "table":
            self._rows = self.tables[dict(attrs)["data-table"]] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if not self._hidden:
            self.text += data
        if self._in_cell:
            self._rows[-1][-1] += data


def read_page(text):
    """A page's elements, text and tables."""
    found = Page()
    found.feed(text)
    return found


def read_csv(content):
    """Header and rows of a CSV file."""
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    return header, rows
