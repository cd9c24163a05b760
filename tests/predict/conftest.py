"""A run that was really trained, with a network that compiles in seconds."""

import shutil
from pathlib import Path

import pytest

from negspa_jax.data.phantom import Preset, write_phantom
from negspa_jax.train.__main__ import main as train
from tests.train.tiny import use_tiny_encoder

CONFIG = """
from negspa_jax.config import Config, Data, Encoder, Mixing, Stage

def get_config():
    return Config(
        data=Data(num_folds=2, sequences=("t1w", "fs")),
        encoder=Encoder(name="resnet18", weights="none"),
        mixing=Mixing(preset="none"),
        stages=(Stage(epochs=2, image_size=64, batch_size=4, learning_rate=1e-3),),
    )
"""


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory) -> Path:
    """A finished run of eight training and four test patients."""
    folder = tmp_path_factory.mktemp("predict")
    preset = Preset({"train": (4, 4), "internal": (2, 2)}, (56, 64), (6, 7))
    cohort = write_phantom(folder / "cohort", preset=preset, seed=1, num_processes=1)
    (folder / "tiny.py").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        code = train(
            [
                f"--config={folder / 'tiny.py'}",
                f"--workdir={folder / 'run'}",
                f"--config.data.cohort={cohort}",
            ]
        )
    assert code == 0
    return folder / "run"


@pytest.fixture
def run_copy(trained_run, tmp_path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


@pytest.fixture(autouse=True)
def tiny_encoder(monkeypatch):
    use_tiny_encoder(monkeypatch)


@pytest.fixture
def make():
    """The page's apps, whose visits end with the test."""
    # Where flask is absent, the tests of the page are skipped before they ask.
    from negspa_jax.predict.serve import make_app
    from tests.predict.serving import quick_model

    made = []

    def build(model=None, **options):
        made.append(make_app(model or quick_model(), **options))
        return made[-1]

    yield build
    for app in made:
        app.extensions["sessions"].close()
