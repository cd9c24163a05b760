"""What changes something: each wish needs the secret of the visit's own page."""

from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from negspa_jax.predict.serve.desk import Desk
from negspa_jax.predict.serve.drawing import read_crop, read_features, read_region
from negspa_jax.predict.serve.guard import check_token
from negspa_jax.predict.serve.refusal import Refusal, explain_error
from negspa_jax.predict.serve.sessions import Session
from negspa_jax.predict.serve.uploads import check_name

# What is sent beside files is a few numbers.
_MAX_WISH = 2**16

wishes = Blueprint("wishes", __name__)


@wishes.post("/visit/<visit>/file/<role>")
def receive_file(visit: str, role: str) -> Response:
    """Keep the file that is the request's body, if it can be read."""
    desk, session = _desk(), _enter(visit)
    request.max_content_length = desk.max_bytes
    shown = check_name(unquote(request.headers.get("X-File-Name", "")))
    desk.receive(session, role=role, shown=shown, read=request.stream.read)
    return jsonify(session.describe())


@wishes.post("/visit/<visit>/remove/<role>")
def remove_file(visit: str, role: str) -> Response:
    """Delete a role's file."""
    session = _enter(visit)
    _desk().remove(session, role)
    return jsonify(session.describe())


@wishes.post("/visit/<visit>/region")
def set_region(visit: str) -> Response:
    """Take six clicks as the region, in place of a mask."""
    session, wish = _enter(visit), _read_wish()
    with session.lock:
        _desk().check_idle(session)
        try:
            region = read_region(session, wish)
        except Refusal:
            raise
        except ValueError as error:
            sentences = explain_error(error, folder=session.folder)
            raise Refusal(422, "; ".join(sentences)) from None
        session.remove_upload("rvoi")
        session.region, session.job = region, None
    return jsonify(session.describe())


@wishes.post("/visit/<visit>/crop")
def set_crop(visit: str) -> Response:
    """Take a box on a radiograph, or none."""
    session, wish = _enter(visit), _read_wish()
    with session.lock:
        _desk().check_idle(session)
        column, cell = read_crop(session, wish)
        session.crops.pop(column, None)
        session.crops |= {column: cell} if cell else {}
        session.job = None
    return jsonify(session.describe())


@wishes.post("/visit/<visit>/score")
def score_patient(visit: str) -> Response:
    """Begin to score the patient."""
    session, wish = _enter(visit), _read_wish()
    features = read_features(wish.get("features", {}))
    _desk().score(session, features, keep=wish.get("keep") is True)
    return jsonify(session.describe())


@wishes.post("/visit/<visit>/forget")
def forget_patient(visit: str) -> Response:
    """End the visit and delete its files."""
    _desk().sessions.forget(_enter(visit))
    return jsonify(forgotten=True)


def _desk() -> Desk:
    desk: Desk = current_app.extensions["desk"]
    return desk


def _enter(visit: str) -> Session:
    session = _desk().sessions.find(visit)
    check_token(session)
    return session


def _read_wish() -> dict[str, Any]:
    request.max_content_length = _MAX_WISH
    try:
        wish = request.get_json()
    except HTTPException as error:
        if error.code == 413:
            raise Refusal(413, "the request must be a few numbers") from None
        wish = None
    if not isinstance(wish, dict):
        raise Refusal(400, "the request must be JSON with names")
    return wish
