"""What the page refuses: foreign hosts and pages, paths, bombs, others' visits."""

import gzip
import logging
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from negspa_jax.predict.serve.desk import Desk
from negspa_jax.predict.serve.refusal import Refusal
from negspa_jax.predict.serve.scoring import Scorer
from negspa_jax.predict.serve.sessions import Sessions
from negspa_jax.predict.serve.uploads import check_name
from tests.predict.serving import REGION, QuickModel, Visit, quick_model, write_volume

MIB = 2**20


@pytest.fixture
def app(make):
    return make(max_bytes=4 * MIB)


@pytest.fixture
def visit(app):
    return Visit.begin(app)


@pytest.fixture
def volume(tmp_path):
    return write_volume(tmp_path / "a.nii.gz")


def files_of(app):
    root = app.extensions["sessions"].root
    return sorted(path for path in root.rglob("*") if path.is_file())


def header(shape, *, datatype=np.int16):
    found = nib.Nifti1Header()
    found.set_data_shape(shape)
    found.set_data_dtype(datatype)
    found.set_sform(np.diag((1.0, 4.0, 1.0, 1.0)), code=1)
    found["vox_offset"] = 352
    found["magic"] = b"n+1"
    return found.binaryblock + b"\0" * 4


# --- who may ask ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1.evil.test", "0.0.0.0", "[::1]"]
)
def test_another_host_name_is_refused_whatever_is_asked(visit, host):
    for path in ("/", f"{visit.base}/", f"{visit.base}/state", "/static/page.js"):
        answer = visit.client.get(path, headers={"Host": host}, buffered=True)
        assert answer.status_code == 400
        assert "Traceback" not in answer.text
    assert visit.post("forget", Host=host).status_code == 400
    assert visit.get("state").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080"])
def test_this_computers_own_names_are_answered(visit, host):
    assert visit.client.get("/", headers={"Host": host}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_pages_wishes_are_refused_even_with_the_token(visit, volume, headers):
    assert visit.send("t1w", volume, **headers).status_code == 403
    assert visit.post("forget", **headers).status_code == 403
    assert visit.get("state").json["files"] == {}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_cannot_begin_visits_and_so_end_this_one(visit, site):
    for _ in range(5):
        answer = visit.client.get("/", headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
        assert 'href="/"' in answer.text
    assert visit.get("state").status_code == 200


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_visitor_begins_visits_by_address_and_by_the_pages_own_links(visit, site):
    answer = visit.client.get("/", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 303


WISHES = ("file/t1w", "remove/t1w", "region", "crop", "score", "forget")


@pytest.mark.parametrize("path", WISHES)
@pytest.mark.parametrize("token", ["", "x", None, "ü"])
def test_no_wish_is_granted_without_the_visits_token(visit, path, token):
    headers = {} if token is None else {"X-Token": token}
    answer = visit.client.post(f"{visit.base}/{path}", json={}, headers=headers)
    assert answer.status_code == 403
    assert visit.get("state").status_code == 200


@pytest.mark.parametrize("path", WISHES)
def test_no_wish_is_granted_with_another_visits_token(app, visit, path):
    other = Visit.begin(app)
    assert other.token != visit.token
    assert visit.post(path, **{"X-Token": other.token}).status_code == 403


def test_two_visits_do_not_see_each_other(app, visit, volume):
    other = Visit.begin(app)
    name = visit.send("t1w", volume).json["files"]["t1w"]["name"]
    assert other.get("state").json["files"] == {}
    assert visit.get(f"slice/{name}/0.png").status_code == 200
    assert other.get(f"slice/{name}/0.png").status_code == 404


def test_addresses_and_tokens_cannot_be_guessed(app):
    visits = [Visit.begin(app) for _ in range(3)]
    secrets = {v.base.split("/")[-1] for v in visits} | {v.token for v in visits}
    assert len(secrets) == 6
    assert all(len(secret) == 32 for secret in secrets)


@pytest.mark.parametrize(
    "path",
    [
        "slice/..%2f..%2flock/0.png",
        "slice/../../../../etc/passwd/0.png",
        "slice/x/-1.png",
        "../../static/../app.py",
        "result/../../../etc/passwd",
    ],
)
def test_no_address_leads_out(visit, path):
    assert visit.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/templates/page.html", "/etc/passwd"]
)
def test_the_static_files_are_only_those_of_the_page(visit, path):
    answer = visit.client.get(f"/static/{path}", buffered=True)
    assert answer.status_code in (404, 308)
    assert "import" not in answer.text


def test_every_answer_forbids_what_the_page_does_not_need(visit):
    answers = [visit.get(path) for path in ("", "state", "nothing")]
    answers += [
        visit.client.get("/static/page.css", buffered=True),
        visit.client.post("/x"),
    ]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in answer.headers


# --- files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("../../x", "..", ".", "/etc/passwd", "a/b.nii", "C:\\x", "C:x.nii", "..\\x"),
        *("", "a\0.nii", "a\nb", "\u202ea.nii", "x" * 300),
    ],
)
def test_a_name_with_a_path_is_refused_and_nothing_is_kept(app, visit, volume, name):
    before = files_of(app)
    answer = visit.send("t1w", volume, name=name)
    assert answer.status_code == 400
    assert "file must" in answer.json["problems"][0]
    assert files_of(app) == before


def test_files_lie_under_names_of_ours_and_theirs_are_shown_escaped(app, visit, volume):
    told = visit.send("t1w", volume, name="<img src=x>Müller.nii.gz").json
    assert told["files"]["t1w"]["shown"] == "<img src=x>Müller.nii.gz"
    assert not [path for path in files_of(app) if "ller" in path.name]
    assert "<img src=x>" not in visit.get("").text
    root = app.extensions["sessions"].root
    assert root.stat().st_mode & 0o077 == 0


def test_names_without_a_path_are_taken():
    for name in ("a.nii.gz", "Müller 1 (2).nii", "...nii", "T1~$&;'\".nii"):
        assert check_name(name) == name
    with pytest.raises(Refusal):
        check_name("a\x7f")


@pytest.mark.parametrize("role", ["t2w", "..", "rvoi:t1w", "patient_id"])
def test_a_file_must_be_one_of_the_models(visit, volume, role):
    assert visit.send(role, volume).status_code == 404


def test_a_file_that_is_too_large_is_refused_and_deleted(app, visit):
    before = files_of(app)
    answer = visit.send("t1w", b"\0" * (4 * MIB + 1))
    assert answer.status_code == 413
    assert "at most 4 MiB" in answer.json["problems"][0]
    assert files_of(app) == before


def test_the_files_of_a_patient_share_the_limit(app, visit, tmp_path):
    noise = write_volume(tmp_path / "a.nii", shape=(160, 8, 160))
    for role, status in (("t1w", 200), ("fs", 200), ("rvoi", 413)):
        path = noise if role != "rvoi" else b"\0" * (4 * MIB)
        assert visit.send(role, path).status_code == status
    # What is replaced counts no more.
    for _ in range(20):
        assert visit.send("t1w", noise).status_code == 200
    assert len(files_of(app)) == 1 + 2 * 2


ZEROS = b"\0" * (64 * MIB)
BOMBS = {
    "much behind a small header": (
        lambda: gzip.compress(header((24, 8, 20)) + ZEROS, 9),
        "further bytes",
    ),
    "as much as a header may declare": (
        lambda: gzip.compress(header((512, 512, 1024)) + ZEROS, 9),
        "at most",
    ),
    "zeros within the limit": (
        lambda: gzip.compress(
            header((400, 400, 200)) + ZEROS[: 2 * 400 * 400 * 200], 9
        ),
        "every voxel is 0",
    ),
    "a bomb in a bomb": (
        lambda: gzip.compress(gzip.compress(ZEROS, 9), 9),
        "gzip inside gzip",
    ),
    "zeros alone": (lambda: gzip.compress(ZEROS, 9), "must be a NIfTI file"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_zip_bomb_is_refused_before_it_fills_the_memory(app, visit, name):
    make_bomb, sentence = BOMBS[name]
    content = make_bomb()
    before = files_of(app)
    assert len(content) < MIB
    began = time.monotonic()
    tracemalloc.start()
    answer = visit.send("t1w", content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 422
    assert sentence in answer.json["problems"][0]
    assert peak < 300 * MIB
    assert time.monotonic() - began < 20
    assert files_of(app) == before


@pytest.mark.parametrize("role", ["t1w", "rvoi"])
def test_a_header_that_declares_100_gb_is_refused_at_once(app, visit, role):
    content = header((5000, 5000, 1000), datatype=np.float32) + b"\0" * 1000
    began = time.monotonic()
    answer = visit.send(role, content)
    assert answer.status_code == 422
    assert "at most" in answer.json["problems"][0]
    assert time.monotonic() - began < 2
    assert len(files_of(app)) == 1


def test_an_upload_that_breaks_leaves_the_good_one_before_it(app, visit, volume):
    visit.send("t1w", volume)
    before = files_of(app)
    for content in (b"", b"text", volume.read_bytes()[:200]):
        assert visit.send("t1w", content).status_code in (400, 422)
    assert files_of(app) == before
    assert visit.get("state").json["files"]["t1w"]["shown"] == "a.nii.gz"


def test_a_wish_is_a_few_numbers(visit):
    large = {"features": {"uveitis": "1" * 2**17}}
    assert visit.post("score", large).status_code == 413
    headers = {"X-Token": visit.token}
    for body in ("[1]", "{", "null", '"x"'):
        answer = visit.client.post(
            f"{visit.base}/score",
            data=body,
            headers=headers,
            content_type="application/json",
        )
        assert answer.status_code == 400


# --- errors ---------------------------------------------------------------------------


class BrokenModel(QuickModel):
    """Fails with a patient's name in its words."""

    def predict(self, patient, *, augment=False):
        raise RuntimeError("Erika Muster, born 1.1.1970")


def test_an_unknown_error_is_told_and_logged_without_the_patient(
    make, tmp_path, caplog
):
    visit = Visit.begin(make(BrokenModel(**vars(quick_model()))))
    for role in ("t1w", "fs"):
        visit.send(role, write_volume(tmp_path / f"{role}.nii.gz"))
    visit.post("region", REGION)
    with caplog.at_level(logging.DEBUG):
        visit.post("score")
        job = visit.wait()
    assert job["state"] == "failed"
    assert "RuntimeError" in caplog.text
    assert "Erika" not in caplog.text + str(job)


def test_an_unknown_error_of_the_page_is_a_plain_500(app, visit, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("Erika Muster")

    monkeypatch.setattr(Sessions, "find", fail)
    answer = visit.get("state")
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "Erika" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


# --- the end --------------------------------------------------------------------------


def test_forgetting_deletes_the_folder_at_once(app, visit, volume):
    visit.send("t1w", volume)
    assert len(files_of(app)) == 3
    assert visit.post("forget").json == {"forgotten": True}
    root = app.extensions["sessions"].root
    assert [path.name for path in root.iterdir()] == ["lock"]
    assert visit.get("state").status_code == 404
    assert "start anew" in visit.get("").text


def test_a_visit_that_nobody_uses_ends(monkeypatch):
    now = [0.0]
    sessions = Sessions(limit=2, minutes=30, clock=lambda: now[0])
    session = sessions.open()
    (session.folder / "a").write_text("x")
    now[0] = 29 * 60
    assert sessions.find(session.name) is session
    now[0] += 31 * 60
    with pytest.raises(Refusal, match="ended"):
        sessions.find(session.name)
    assert not session.folder.exists()
    sessions.close()
    assert not sessions.root.exists()


def test_visits_are_limited_but_an_empty_page_makes_room(make, volume):
    app = make(num_sessions=2)
    first, second = Visit.begin(app), Visit.begin(app)
    first.send("t1w", volume)
    third = Visit.begin(app)  # takes the place of the second, which sent nothing
    assert second.get("state").status_code == 404
    third.send("t1w", volume)
    answer = app.test_client().get("/")
    assert answer.status_code == 503
    assert "At most 2 patients" in answer.text


class SlowFile:
    """A volume that arrives in two halves, the second once it is let go."""

    def __init__(self, content):
        middle = len(content) // 2
        self.parts = [content[:middle], content[middle:], b""]
        self.begun, self.gate = threading.Event(), threading.Event()

    def read(self, _):
        if len(self.parts) == 2:
            self.begun.set()
            self.gate.wait(20)
        return self.parts.pop(0)


@pytest.fixture
def arriving(volume):
    """A visit whose first file is arriving: its sessions, the file, what becomes."""
    sessions = Sessions(limit=1, minutes=30)
    desk = Desk(quick_model(), sessions, Scorer(seconds=9), max_bytes=MIB, keep=None)
    session, file = sessions.open(), SlowFile(volume.read_bytes())
    with ThreadPoolExecutor() as pool:
        coming = pool.submit(
            desk.receive, session, role="t1w", shown="a.nii.gz", read=file.read
        )
        assert file.begun.wait(20)
        yield desk, session, file, coming
        file.gate.set()
    sessions.close()


def test_a_visit_whose_first_file_is_arriving_is_not_empty(arriving):
    desk, session, file, coming = arriving
    with pytest.raises(Refusal, match="at most 1 patients"):
        desk.sessions.open()
    with pytest.raises(Refusal, match="still arriving"):
        desk.score(session, {}, keep=False)
    file.gate.set()
    assert coming.result(20).shown == "a.nii.gz"
    assert desk.sessions.find(session.name).uploads.keys() == {"t1w"}


def test_a_visit_ends_while_a_file_arrives_and_the_file_is_refused(arriving):
    desk, session, file, coming = arriving
    desk.sessions.forget(session)  # does not wait for the file
    assert not coming.done()
    desk.sessions.open()
    file.gate.set()
    with pytest.raises(Refusal, match="visit has ended"):
        coming.result(20)
    assert not session.folder.exists()
    assert session.uploads == {}


def test_what_a_killed_server_left_is_deleted_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living = Sessions(limit=1, minutes=1)
    left = tmp_path / "negspa-serve-left"
    (left / "visit").mkdir(parents=True)
    (left / "lock").touch()
    foreign = tmp_path / "negspa-serve-link"
    foreign.symlink_to(Path(__file__).parent)
    Sessions(limit=1, minutes=1).close()
    assert not left.exists()
    assert living.root.exists()
    assert Path(__file__).exists()
    living.close()
