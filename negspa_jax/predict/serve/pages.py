"""What can be looked at: the page, slices, the result. Nothing here changes anything.

Every visit lives under an address of its own, `/visit/<visit>/`.
"""

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from negspa_jax.predict.serve.desk import Desk
from negspa_jax.predict.serve.outcome import Outcome, draw_bars
from negspa_jax.predict.serve.pictures import encode_slice
from negspa_jax.predict.serve.refusal import Refusal
from negspa_jax.predict.serve.sessions import Session
from negspa_jax.predict.serve.words import FEATURE_WORDS, describe_model, word_drawing

pages = Blueprint("pages", __name__)


@pages.get("/")
def begin_visit() -> AnyResponse:
    """Begin a visit, and go to its address."""
    session = _desk().sessions.open()
    return redirect(url_for("pages.show_page", visit=session.name), 303)


@pages.get("/visit/<visit>/")
def show_page(visit: str) -> str:
    """The page itself."""
    desk = _desk()
    return render_template(
        "page.html",
        session=desk.sessions.find(visit),
        desk=desk,
        words=describe_model(desk.model),
        features=FEATURE_WORDS,
    )


@pages.get("/visit/<visit>/state")
def show_state(visit: str) -> Response:
    """What the page's script needs to know, as JSON."""
    return jsonify(_desk().sessions.find(visit).describe())


@pages.get("/visit/<visit>/slice/<name>/<int:index>.png")
def show_slice(visit: str, name: str, index: int) -> Response:
    """A slice of an upload."""
    upload = _desk().sessions.find(visit).find_upload(name)
    if upload.pictures is None or index >= upload.facts["view"]["count"]:
        raise Refusal(404, "there is no such slice")
    try:
        picture = encode_slice(upload.pictures, index)
    except FileNotFoundError:
        raise Refusal(404, "the file was just replaced or removed") from None
    return Response(picture, mimetype="image/png")


@pages.get("/visit/<visit>/result")
def show_result(visit: str) -> str:
    """The result, to be put into the page."""
    session = _desk().sessions.find(visit)
    outcome = _find_outcome(session)
    mask = session.uploads.get("rvoi")
    lacking = outcome.report["lacking"]
    return render_template(
        "result.html",
        visit=visit,
        report=outcome.report,
        bars=draw_bars(outcome.report),
        drawing=word_drawing(outcome.report, mask="" if mask is None else mask.shown),
        kept=outcome.kept,
        lacking=[FEATURE_WORDS[name] for name in lacking],
        present=_name_features(outcome, 1),
        absent=_name_features(outcome, 0),
        nothing=len(lacking) == len(FEATURE_WORDS),
        # A reader faces the patient: the patient's right comes first.
        sides=sorted(outcome.report["sides"], key=lambda side: side != "right"),
    )


@pages.get("/visit/<visit>/result.json")
def download_report(visit: str) -> Response:
    """The result's numbers."""
    outcome = _find_outcome(_desk().sessions.find(visit))
    return _attach(outcome.as_json().encode(), "application/json", "result.json")


@pages.get("/visit/<visit>/result.png")
def show_sheet(visit: str) -> Response:
    """The sheet of sub-images and Grad-CAM, to be seen or downloaded."""
    outcome = _find_outcome(_desk().sessions.find(visit))
    if "download" in request.args:
        return _attach(outcome.sheet, "image/png", "result.png")
    return Response(outcome.sheet, mimetype="image/png")


def _desk() -> Desk:
    desk: Desk = current_app.extensions["desk"]
    return desk


def _find_outcome(session: Session) -> Outcome:
    with session.lock:  # not before it is said whether it was kept
        outcome = session.job.outcome if session.job is not None else None
    if outcome is None:
        raise Refusal(404, "there is no result yet: score the patient first")
    return outcome


def _name_features(outcome: Outcome, value: int) -> list[str]:
    """The features that were known to be there (1) or not (0)."""
    known = outcome.report["features"]
    return [words for name, words in FEATURE_WORDS.items() if known.get(name) == value]


def _attach(content: bytes, mimetype: str, name: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
