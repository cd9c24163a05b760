"""Who may ask the page for something, and what every answer says to the browser.

Other pages in the same browser, and names that point to this computer (DNS
rebinding), are refused; so is every change without the secret of the visit's page.
"""

import hmac
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from negspa_jax.predict.serve.refusal import Refusal
from negspa_jax.predict.serve.scoring import UNKNOWN, log_error
from negspa_jax.predict.serve.sessions import Session
from negspa_jax.predict.serve.uploads import describe_limit

HOSTS = ["127.0.0.1", "localhost"]
# Nothing but the page's own files; no script and no style inside the page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_SENTENCES = {
    400: "the request must be one of this page's own: open it at its own address",
    404: "there is nothing at this address: start at the page's own",
    405: "this address cannot be asked so: start at the page's own",
}


def guard_app(app: Flask) -> None:
    """Check every request, harden every answer, and let no traceback out."""
    app.config["TRUSTED_HOSTS"] = HOSTS
    app.before_request(_check_origin)
    app.after_request(_harden)
    app.register_error_handler(Refusal, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unknown)


def check_token(session: Session) -> None:
    """Raise `Refusal` unless the request comes from the visit's own page."""
    given = request.headers.get("X-Token", "")
    if not hmac.compare_digest(given.encode(), session.token.encode()):
        raise Refusal(403, "the request must come from this visit's page: reload it")


def _check_origin() -> None:
    """Refuse what another page sends, and the visits that it would begin."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if request.method in ("GET", "HEAD"):
        if request.path == "/" and site not in ("none", "same-origin"):
            raise Refusal(403, "another page led here: begin a visit here yourself")
        return
    origin = request.headers.get("Origin")
    if (origin and origin != request.host_url.rstrip("/")) or site != "same-origin":
        raise Refusal(403, "the request must come from this page, not from another")


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response


def _answer_refusal(error: Refusal) -> tuple[Any, int]:
    return _answer(error.sentence, error.status)


def _answer_http(error: HTTPException) -> tuple[Any, int]:
    status = error.code or 500
    if isinstance(error, RequestEntityTooLarge):
        limit = request.max_content_length or 0
        return _answer(describe_limit(limit), status)
    return _answer(_SENTENCES.get(status, f"the request failed ({status})"), status)


def _answer_unknown(error: Exception) -> tuple[Any, int]:
    log_error(error)
    return _answer(UNKNOWN, 500)


def _answer(sentence: str, status: int) -> tuple[Any, int]:
    if request.method == "POST" or request.headers.get("Accept") == "application/json":
        return jsonify(problems=[sentence]), status
    return render_template("plain.html", sentence=sentence), status
