"""The page as a WSGI application: a model, its visits, and their limits."""

from pathlib import Path

from flask import Flask

from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import USE
from negspa_jax.predict.serve.desk import Desk
from negspa_jax.predict.serve.guard import guard_app
from negspa_jax.predict.serve.pages import pages
from negspa_jax.predict.serve.scoring import Scorer
from negspa_jax.predict.serve.sessions import Sessions
from negspa_jax.predict.serve.wishes import wishes


def make_app(
    model: Model,
    *,
    max_bytes: int = 2**29,
    seconds: float = 300.0,
    keep: Path | None = None,
    minutes: float = 30.0,
    num_sessions: int = 4,
) -> Flask:
    """Build the page.

    Args:
        model: that scores the patients.
        max_bytes: of all files of a patient together.
        seconds: after which a scoring is given up.
        keep: folder in which patients may be kept, where the visitor ticks it.
        minutes: without a request until a visit ends and its files are deleted.
        num_sessions: how many patients may be open at a time.

    Returns:
        A WSGI application; its visits are `app.extensions["sessions"]`, to be swept
        and closed by whoever runs it.
    """
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["caution"] = USE
    sessions = Sessions(limit=num_sessions, minutes=minutes)
    app.extensions["sessions"] = sessions
    app.extensions["desk"] = Desk(
        model=model,
        sessions=sessions,
        scorer=Scorer(seconds=seconds),
        max_bytes=max_bytes,
        keep=keep,
    )
    guard_app(app)
    app.register_blueprint(pages)
    app.register_blueprint(wishes)
    return app
