"""The server as a process: where it listens, and what it leaves when it ends."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.predict.serving import write_volume

ROOT = Path(__file__).resolve().parents[2]
SERVE = """
import time
from negspa_jax.predict.serve import serve, server
from tests.predict.serving import QuickModel, quick_model
class Model(QuickModel):
    def predict(self, patient, *, augment=False):
        time.sleep(600)
server._LAST_SECONDS = 1
raise SystemExit(serve(Model(**vars(quick_model())), port=0, max_bytes=2**20))
"""


class Server:
    """A server of its own, with its temporary files in a folder of the test."""

    def __init__(self, folder):
        environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = "".join(self.process.stdout.readline() for _ in range(2))
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.said)
        assert found, self.process.communicate()
        self.port = int(found[1])
        self.folder = folder

    def ask(self, method, path, *, body=None, **headers):
        """Status, headers and text of an answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, body=body, headers=headers)
            answer = line.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()
        finally:
            line.close()

    def begin(self):
        """A visit's address and token."""
        _, headers, _ = self.ask("GET", "/")
        page = self.ask("GET", headers["Location"])[2]
        return headers["Location"], re.search(r'data-token="([^"]+)"', page)[1]

    def send(self, path):
        base, token = self.begin()
        return self.ask(
            "POST",
            f"{base}file/t1w",
            body=path.read_bytes(),
            **{"X-Token": token, "X-File-Name": path.name},
        )

    @property
    def roots(self):
        return list(self.folder.glob("negspa-serve-*"))

    def end(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, self.said + out, err


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    server = Server(folder)
    yield server
    if server.process.poll() is None:
        server.process.kill()
    server.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_files_are_deleted_when_the_server_is_ended(server, tmp_path, number):
    assert server.send(write_volume(tmp_path / "a.nii.gz"))[0] == 200
    (root,) = server.roots
    assert len([path for path in root.rglob("*") if path.is_file()]) == 3
    code, said, errors = server.end(number)
    assert code == 0
    assert server.roots == []
    assert "Research software, not a medical device" in said
    assert errors == ""


def test_a_server_ends_in_time_though_a_patient_is_being_scored(server, tmp_path):
    base, token = server.begin()
    headers = {"X-Token": token, "X-File-Name": "a.nii.gz"}
    for role in ("t1w", "fs", "rvoi"):
        path = write_volume(tmp_path / f"{role}.nii.gz", mask=role == "rvoi")
        sent = server.ask(
            "POST", f"{base}file/{role}", body=path.read_bytes(), **headers
        )
        assert sent[0] == 200
    headers["Content-Type"] = "application/json"
    assert server.ask("POST", f"{base}score", body="{}", **headers)[0] == 200
    code, _, errors = server.end(signal.SIGTERM)
    assert (code, errors, server.roots) == (0, "", [])


def test_a_killed_servers_files_are_deleted_by_the_next(server, tmp_path):
    server.send(write_volume(tmp_path / "a.nii.gz"))
    (left,) = server.roots
    server.end(signal.SIGKILL)
    assert left.exists()
    following = Server(server.folder)
    try:
        assert not left.exists()
    finally:
        following.end(signal.SIGTERM)


def test_it_listens_on_this_computer_alone(server):
    # 127.0.0.2 is this computer, too, but another address than the one bound.
    for address in ("127.0.0.2", socket.gethostbyname(socket.gethostname())):
        if address == "127.0.0.1":
            continue
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, server.port), timeout=5).close()


def test_foreign_names_and_too_large_bodies_are_refused_on_the_wire(server, tmp_path):
    assert server.ask("GET", "/", Host="evil.test")[0] == 400
    base, token = server.begin()
    status, headers, text = server.ask(
        "POST",
        f"{base}file/t1w",
        body=b"\0" * (2**20 + 1),
        **{"X-Token": token, "X-File-Name": "a.nii"},
    )
    assert status == 413
    assert "at most 1 MiB" in text
    assert "Server" not in headers


def test_a_body_that_only_claims_to_be_huge_is_refused_at_once(server):
    base, token = server.begin()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(
            f"POST {base}file/t1w HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Token: {token}\r\n"
            f"Content-Length: {100 * 10**9}\r\n\r\n".encode()
        )
        began = time.monotonic()
        assert b" 413 " in line.recv(1000)
        assert time.monotonic() - began < 5


def test_a_port_that_is_taken_is_said(server):
    code = f"""
from negspa_jax.predict.serve import serve
from tests.predict.serving import quick_model
try:
    serve(quick_model(), port={server.port})
except ValueError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert "in use" in done.stdout, done.stderr
    assert "--port=0 for any free one" in done.stdout
