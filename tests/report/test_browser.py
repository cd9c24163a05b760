"""The page in a browser: quiet, alone, and no wider than a telephone."""

import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is absent")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--enable-logging=stderr"),
    *("--allow-file-access-from-files", "--virtual-time-budget=10000"),
)
# A frame as wide as a telephone, whose measures the outer page writes into itself.
# The outer page also speaks and asks for a picture: both must be noticed.
FRAME = """<!DOCTYPE html><html><body><img src="http://planted.invalid/x.png">
<iframe src="report.html" style="width:390px;height:800px;border:0"></iframe><p></p>
<script>
console.log("planted");
window.onload = () => {
  const inner = document.querySelector("iframe").contentDocument;
  const wide = [...inner.querySelectorAll("main > section, figure, .scroll, svg")]
    .filter((element) => element.getBoundingClientRect().right > 390.5);
  document.querySelector("p").textContent = JSON.stringify({
    width: inner.documentElement.scrollWidth,
    tables: inner.querySelectorAll("table").length,
    wide: wide.map((element) => element.outerHTML.slice(0, 80)),
  });
};
</script></body></html>"""


@pytest.fixture(scope="module")
def opened(files, tmp_path_factory):
    """What a browser says, requests and measures."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_bytes(files["report.html"])
    (folder / "frame.html").write_text(FRAME, "utf-8")
    log = folder / "net.json"
    command = [
        *(str(CHROMIUM), *FLAGS),
        *(f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}"),
        *("--dump-dom", (folder / "frame.html").as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = re.search(r"<p>(\{.*\})</p>", done.stdout)
    assert found, done.stdout[-500:]
    return json.loads(found[1]), done.stderr, log.read_text("utf-8", "replace")


def test_the_browser_says_nothing(opened):
    _, said, _ = opened
    lines = [line for line in said.splitlines() if "CONSOLE" in line]
    assert [line for line in lines if "planted" not in line] == []
    assert lines


def test_no_request_leaves_the_page(opened):
    _, _, log = opened
    # What the browser asks for itself has no origin.
    asked = re.findall(
        r'"initiator":"(?!not an origin)[^"]*"[^\n]*"url":"([^"]*)"', log
    )
    away = {url for url in asked if not url.startswith(("file:", "data:"))}
    assert away == {"http://planted.invalid/x.png"}


def test_a_telephone_shows_the_page_without_scrolling_sideways(opened):
    measured, _, _ = opened
    assert measured["tables"] > 15
    assert measured["wide"] == []
    assert measured["width"] <= 390
