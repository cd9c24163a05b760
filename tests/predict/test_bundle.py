"""A bundle is the run's model, needs no run, and refuses every changed byte."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import negspa_jax
from negspa_jax.predict.__main__ import main
from negspa_jax.predict.bundle import SUMS, list_files
from negspa_jax.predict.network import compile_steps
from tests.predict.test_score import new_rows  # noqa: F401  (a fixture)
from tests.predict.tiny_model import seal
from tests.train.tiny import use_tiny_encoder


@pytest.fixture(scope="session")
def bundle(trained_run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "model"
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        words = ["export", f"--run={trained_run}", f"--out={out}"]
        assert main([*words, "--positive=axSpA", "--negative=non-axSpA"]) == 0
    return out


@pytest.fixture
def bundle_copy(bundle, tmp_path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(bundle, tmp_path / "model"))


# --- the same model -------------------------------------------------------------------


def test_a_bundle_scores_as_its_run_does(bundle, trained_run, new_rows, tmp_path):  # noqa: F811
    run, model = negspa_jax.load(trained_run), negspa_jax.load(bundle)
    for row in new_rows:
        ours = model.predict(model.read_cells(row))
        theirs = run.predict(run.read_cells(row))
        assert ours.table == theirs.table
        assert ours.calls == theirs.calls
        assert ours.flags == theirs.flags
        np.testing.assert_array_equal(ours.maps, theirs.maps)
    assert model.points == run.points
    assert (model.positive, model.negative) == ("axSpA", "non-axSpA")


def test_a_bundle_needs_nothing_of_the_run(bundle, trained_run, new_rows, tmp_path):  # noqa: F811
    moved = shutil.copytree(bundle, tmp_path / "elsewhere")
    code = f"""
import sys
from pathlib import Path
real = Path.open
def guarded(self, *rest, **more):
    assert {str(trained_run)!r} not in str(self), self
    return real(self, *rest, **more)
Path.open = guarded
from negspa_jax import load, models
from functools import partial
from negspa_jax.models import resnet
tiny = partial(resnet.ResNet, blocks=(1, 0, 0, 0), bottleneck=False)
models.ENCODERS["resnet18"] = tiny
model = load({str(moved)!r})
print(model.predict(model.read_cells({new_rows[0]!r})).score)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    model = negspa_jax.load(trained_run)
    wanted = model.predict(model.read_cells(new_rows[0])).score
    assert float(done.stdout) == wanted


def test_a_bundle_names_no_folder_of_the_machine_that_made_it(bundle, trained_run):
    for name in (*list_files(2), SUMS):
        content = (bundle / name).read_bytes()
        assert str(trained_run.parent).encode() not in content
        assert str(Path(negspa_jax.__file__).parent).encode() not in content


def test_a_bundle_holds_no_patient(bundle, trained_run):
    texts = [bundle / name for name in list_files(2) if "fold" not in name]
    for path in texts:
        assert b"P0001" not in path.read_bytes()


def test_nothing_in_a_bundle_is_a_pickle(bundle):
    assert sorted(path.name for path in bundle.iterdir()) == sorted(
        [*list_files(2), SUMS]
    )
    for path in bundle.iterdir():
        start = path.read_bytes()[:2]
        # Protocols 2 to 5, a zip of torch's.
        assert not (start[:1] == b"\x80" and start[1:] <= b"\x05")
        assert start != b"PK"


def test_sha256sum_reads_the_list_of_hashes(bundle):
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=bundle, capture_output=True)
    assert done.returncode == 0, done.stdout


def test_the_same_run_gives_the_same_bundle(bundle, trained_run, tmp_path):
    words = ["export", f"--run={trained_run}", f"--out={tmp_path / 'model'}"]
    assert main([*words, "--positive=axSpA", "--negative=non-axSpA"]) == 0
    assert (tmp_path / "model" / SUMS).read_bytes() == (bundle / SUMS).read_bytes()


def test_the_model_card_and_the_licence_say_what_it_is(bundle):
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "not a medical device" in card
    assert "| internal | image | 4 |" in card
    assert "| window_mm | 100.0 |" in card
    assert "only they can\ngrant a licence" in (bundle / "LICENSE.txt").read_text()


def test_a_persons_own_card_and_licence_go_in(trained_run, tmp_path):
    (tmp_path / "card.md").write_text("# Ours\n")
    (tmp_path / "terms.txt").write_text("CC0\n")
    words = ["export", f"--run={trained_run}", f"--out={tmp_path / 'model'}"]
    words += [f"--card={tmp_path / 'card.md'}", f"--licence={tmp_path / 'terms.txt'}"]
    assert main(words) == 0
    assert (tmp_path / "model" / "MODEL_CARD.md").read_text() == "# Ours\n"
    assert (tmp_path / "model" / "LICENSE.txt").read_text() == "CC0\n"


def test_an_older_bundle_is_replaced_and_nothing_else_is(trained_run, tmp_path, capsys):
    out = tmp_path / "model"
    words = ["export", f"--run={trained_run}", f"--out={out}"]
    assert main(words) == 0
    assert main(words) == 0
    other = tmp_path / "thesis"
    other.mkdir()
    assert main(["export", f"--run={trained_run}", f"--out={other}"]) == 2
    assert "must not exist, or hold an older bundle" in capsys.readouterr().err
    (out / "thesis.txt").write_text("years of work")
    assert main(words) == 2
    assert "got thesis.txt" in capsys.readouterr().err
    assert (out / "thesis.txt").read_text() == "years of work"
    (other / SUMS).write_text("abc")
    (other / "data.txt").write_text("a download")
    assert main(["export", f"--run={trained_run}", f"--out={other}"]) == 2
    assert (other / "data.txt").exists()
    assert not list(tmp_path.glob("*.part"))


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize("name", [*list_files(2), SUMS])
@pytest.mark.parametrize("place", [0.0, 0.37, 1.0])
def test_a_changed_byte_is_refused(bundle_copy, name, place, capsys):
    path = bundle_copy / name
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    assert main([f"--bundle={bundle_copy}", "--t1w=a"]) == 2
    told = capsys.readouterr().err
    assert str(path) in told or SUMS in told
    assert "Traceback" not in told


@pytest.mark.parametrize("name", [*list_files(2), SUMS])
def test_a_missing_file_is_refused(bundle_copy, name):
    (bundle_copy / name).unlink()
    with pytest.raises(ValueError, match=r"must be"):
        negspa_jax.load(bundle_copy)


def test_a_list_that_names_another_folder_is_refused(bundle_copy):
    path = bundle_copy / SUMS
    path.write_text(path.read_text().replace("model.json", "../model.json"))
    with pytest.raises(ValueError, match="list of hashes, but is damaged"):
        negspa_jax.load(bundle_copy)


def edit_model(change):
    def damage(folder):
        path = folder / "model.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return damage


def edit_fingerprint(change):
    def damage(folder):
        path = folder / "fingerprint.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content, sort_keys=True) + "\n")

    return damage


def enlarge(content):
    content["signature"]["covariance"][0][0] = 10**400


def edit_fold(change):
    def damage(folder):
        path = folder / "fold_0.safetensors"
        leaves = {k: v.copy() for k, v in load_file(path).items()}
        change(leaves)
        save_file(leaves, path)

    return damage


def poison(leaves):
    next(iter(leaves.values())).flat[0] = np.nan


def drop_leaf(leaves):
    leaves.pop(next(iter(leaves)))


@pytest.mark.parametrize(
    ("damage", "wanted"),
    [
        (edit_model(lambda c: c.update(format=2)), "format 2 is of another version"),
        (edit_model(lambda c: c.pop("points")), "must describe a model"),
        (edit_model(lambda c: c["points"][0].update(cutoff=0.5)), "must be text"),
        (edit_model(lambda c: c["points"][0].update(cutoff="nan")), "operating point"),
        (edit_model(lambda c: c["points"][0].update(score="zzz")), "operating point"),
        (
            edit_model(lambda c: c["points"][0].update(num_patients=True)),
            "operating point",
        ),
        (edit_model(lambda c: c["config"].pop("seed")), "1 missing"),
        (edit_model(lambda c: c["config"].update(seed="x")), "must describe a model"),
        (edit_model(lambda c: c["config"].update({"data.num_folds": 3})), "3 folds"),
        (edit_model(lambda c: c["config"].update({"head.hidden": 5})), "another model"),
        (lambda f: (f / "model.json").write_text("[" * 10**5), "must describe a model"),
        (lambda f: (f / "model.json").write_bytes(b"\xff"), "must be UTF-8"),
        (lambda f: (f / "fingerprint.json").write_text("{}"), "must be a fingerprint"),
        (edit_fingerprint(lambda c: c["sequences"].reverse()), "must be"),
        (edit_fingerprint(enlarge), "must be a fingerprint"),
        (edit_fold(poison), "must hold finite weights"),
        (edit_fold(drop_leaf), "made by another model"),
        (
            lambda f: (f / "fold_1.safetensors").write_bytes(b"\xff" * 7 + b"\x7f{}"),
            "must hold a fold's weights",
        ),
        (lambda f: (f / "fold_1.safetensors").write_bytes(b""), "a fold's weights"),
    ],
)
def test_a_forged_bundle_is_refused_though_its_hashes_are_right(
    bundle_copy, damage, wanted
):
    damage(bundle_copy)
    seal(bundle_copy)
    with pytest.raises(ValueError, match=wanted):
        negspa_jax.load(bundle_copy)


# --- StableHLO ------------------------------------------------------------------------

ALONE = """
import builtins, sys
real = builtins.__import__
def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    if name.split(".")[0] in ("flax", "negspa_jax", "optax", "orbax"):
        raise ImportError(name)
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = guarded

import numpy as np
from jax import export
from safetensors.numpy import load_file

folder, images, out = sys.argv[1:]
with open(folder + "/network.stablehlo", "rb") as file:
    network = export.deserialize(bytearray(file.read()))
assert network.platforms == ("cpu", "cuda")
weights = load_file(folder + "/fold_1.safetensors")
images = np.load(images)
found = [np.asarray(network.call(weights, images[:n])) for n in (1, 2, 5)]
np.save(out, np.concatenate(found))
"""


def test_the_network_runs_without_flax_for_any_number_of_samples(bundle, tmp_path):
    model = negspa_jax.load(bundle)
    shape = (5, 2, 64, 64, 3)
    images = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    words = [str(bundle), str(tmp_path / "images.npy"), str(tmp_path / "scores.npy")]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    steps = compile_steps(model.network)
    wanted = np.array(
        [steps.score(model.folds[1], images[i : i + 1])[0][0] for i in range(5)]
    )
    got = np.load(tmp_path / "scores.npy")
    np.testing.assert_allclose(got, wanted[[0, 0, 1, 0, 1, 2, 3, 4]], atol=1e-6)
