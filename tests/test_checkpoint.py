"""Checkpoints: what was saved comes back, and what is damaged is never used."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from negspa_jax import checkpoint
from negspa_jax.checkpoint import (
    Checkpoints,
    DamagedCheckpointError,
    from_leaves,
    sha256_of,
    to_leaves,
)


def tree(seed: int = 0):
    """Every kind of leaf that training saves, in every kind of container."""
    numbers = np.random.default_rng(seed)
    params = {
        "head": {"kernel": jnp.asarray(numbers.normal(size=(7, 3)), jnp.float32)},
        "encoders_0": {"half": jnp.asarray(numbers.normal(size=5), jnp.bfloat16)},
    }
    return {
        "state": (params, optax.adam(1e-3).init(params)),
        "best": {"double": numbers.normal(size=4), "whole": np.int32(seed)},
        "odd": [np.float32(np.nan), np.array([True, False]), np.float64(-0.0)],
        "key": jax.random.key_data(jax.random.key(seed)),
    }


def same(first, second) -> bool:
    """Whether two trees have the same leaves to the last bit."""
    a, b = to_leaves(first), to_leaves(second)
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype
        and a[k].shape == b[k].shape
        and a[k].tobytes() == b[k].tobytes()
        for k in a
    )


@pytest.fixture
def checkpoints(tmp_path):
    """An empty folder's checkpoints."""
    opened = Checkpoints(tmp_path / "checkpoints")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder with the steps 10 and 20; tests work on copies."""
    folder = tmp_path_factory.mktemp("written")
    opened = Checkpoints(folder)
    opened.save(10, tree(10), {"epoch": 1})
    opened.save(20, tree(20), {"epoch": 2})
    opened.close()
    return folder


def newest(folder: Path):
    """What a later run loads, and the lines that it tells."""
    lines: list[str] = []
    opened = Checkpoints(folder)
    found = opened.load_newest(lines.append)
    opened.close()
    return found, lines


# --- leaves ---------------------------------------------------------------------------


def test_a_tree_taken_apart_is_put_together_again():
    again = from_leaves(tree(), to_leaves(tree()))
    assert jax.tree.structure(again) == jax.tree.structure(tree())
    assert same(again, tree())


def test_leaves_are_named_by_their_place():
    assert "state/0/head/kernel" in to_leaves(tree())


def test_leaves_of_another_model_are_refused_by_the_first_name():
    leaves = to_leaves({"head": {"kernel": np.zeros(3)}})
    with pytest.raises(DamagedCheckpointError, match=r"head/bias first.*another model"):
        from_leaves({"head": {"kernel": np.zeros(3), "bias": np.zeros(3)}}, leaves)


@pytest.mark.parametrize(
    "other", [np.zeros(4), np.zeros(3, np.float32), np.zeros((3, 1))]
)
def test_leaves_of_another_shape_or_type_are_refused_by_name(other):
    with pytest.raises(DamagedCheckpointError, match=r"^a must be float64\(3,\), got "):
        from_leaves({"a": np.zeros(3)}, {"a": other})


def test_the_hash_knows_bytes_shape_and_type():
    zeros = np.zeros(4, np.float32)
    others = [zeros.reshape(2, 2), zeros.view(np.int32), zeros - 0.0, -zeros]
    assert len({sha256_of(a) for a in (zeros, *others)}) == 4  # 0 - 0.0 is 0


def test_the_hash_does_not_depend_on_the_layout_in_memory():
    array = np.arange(6.0).reshape(2, 3)
    assert sha256_of(array) == sha256_of(np.asfortranarray(array))


# --- saved and loaded -----------------------------------------------------------------


def test_what_was_saved_comes_back_to_the_last_bit(checkpoints):
    checkpoints.save(3, tree(3), {"best_auc": float("-inf"), "loss": 0.1 + 0.2})
    leaves, notes = checkpoints.load(3)
    assert same(from_leaves(tree(), leaves), tree(3))
    assert notes == {"best_auc": float("-inf"), "loss": 0.1 + 0.2}


def test_an_empty_or_absent_folder_has_no_newest(tmp_path):
    assert newest(tmp_path / "absent") == (None, [])
    (tmp_path / "empty").mkdir()
    assert newest(tmp_path / "empty") == (None, [])


def test_the_newest_step_is_loaded(written):
    (leaves, notes), lines = newest(written)
    assert same(from_leaves(tree(), leaves), tree(20))
    assert (notes, lines) == ({"epoch": 2}, [])


def test_the_newest_two_stay(checkpoints, tmp_path):
    for step in (1, 2, 3):
        checkpoints.save(step, tree(step), {})
    assert {int(p.name) for p in (tmp_path / "checkpoints").iterdir()} == {2, 3}


def test_a_step_that_exists_is_replaced(checkpoints):
    checkpoints.save(5, tree(1), {"n": 1})
    checkpoints.save(5, tree(2), {"n": 2})
    leaves, notes = checkpoints.load(5)
    assert same(from_leaves(tree(), leaves), tree(2))
    assert notes == {"n": 2}


def test_a_relative_folder_will_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = Checkpoints(Path("here"))
    opened.save(1, tree(1), {})
    opened.close()
    assert newest(Path("here"))[0] is not None


def test_a_step_that_is_not_there_is_refused_by_name(checkpoints, tmp_path):
    with pytest.raises(DamagedCheckpointError, match=r"checkpoints/7 cannot be read"):
        checkpoints.load(7)


# --- damage ---------------------------------------------------------------------------


def files_of(step: Path) -> list[Path]:
    return sorted(path for path in step.rglob("*") if path.is_file())


def flip(file: Path, *, seed: int) -> None:
    content = bytearray(file.read_bytes())
    place = random.Random(seed).randrange(8 * len(content))
    content[place // 8] ^= 1 << place % 8
    file.write_bytes(content)


def truncate(file: Path, *, seed: int) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: random.Random(seed).randrange(len(content))])


def empty(file: Path, *, seed: int) -> None:
    file.write_bytes(b"")


def delete(file: Path, *, seed: int) -> None:
    file.unlink()


DAMAGES = [flip, truncate, empty, delete]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_is_harmless_or_told_and_passed_over(
    written, tmp_path, damage
):
    passed_over = 0
    for number, name in enumerate(
        p.relative_to(written) for p in files_of(written / "20")
    ):
        for seed in range(4 if damage is flip else 1):
            copy = tmp_path / f"{number}_{seed}"
            shutil.copytree(written, copy)
            damage(copy / name, seed=number * 10 + seed)
            found, lines = newest(copy)
            assert found is not None, name
            step = 10 * found[1]["epoch"]
            assert same(from_leaves(tree(), found[0]), tree(step)), name
            assert len(lines) == (step == 10)
            assert all("\n" not in line for line in lines)
            assert all(f"{number}_{seed}/20 " in line for line in lines)
            passed_over += step == 10
    assert passed_over > 0


def test_a_leaf_that_is_not_the_hashed_one_is_found(checkpoints, monkeypatch):
    monkeypatch.setattr(checkpoint, "sha256_of", lambda leaf: str(leaf.shape))
    checkpoints.save(1, {"a": np.zeros(3), "b": np.ones(2)}, {})
    monkeypatch.setattr(checkpoint, "sha256_of", lambda leaf: str(leaf.shape)[:2])
    with pytest.raises(DamagedCheckpointError, match="got others in 2 places, a first"):
        checkpoints.load(1)


def test_a_note_that_is_not_the_hashed_one_is_found(checkpoints, monkeypatch):
    monkeypatch.setattr(checkpoint, "_text_hash", lambda notes: "another")
    checkpoints.save(1, tree(), {"epoch": 1})
    monkeypatch.undo()
    with pytest.raises(DamagedCheckpointError, match="its notes first"):
        checkpoints.load(1)


def test_a_kill_before_the_files_were_hashed_leaves_a_sound_step(written, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    (copy / "20" / "files.json").rename(copy / "20.files.json.part")
    (leaves, _), lines = newest(copy)
    assert same(from_leaves(tree(), leaves), tree(20))
    assert lines == []


def test_damage_is_told_without_a_word_of_orbax(written, tmp_path, capfd):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    data = max(files_of(copy / "20" / "leaves"), key=lambda p: p.stat().st_size)
    data.unlink()
    found, (line,) = newest(copy)
    assert found is not None
    assert line.endswith(
        f"20 must hold the files that were written, but 1 differ or are missing, "
        f"{data.relative_to(copy / '20')} first: the checkpoint before it, if any, is "
        "used"
    )
    assert capfd.readouterr() == ("", "")


def test_a_step_that_is_an_empty_folder_is_passed_over(written, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    (copy / "30").mkdir()
    found, _ = newest(copy)
    assert found is not None
    assert found[1] == {"epoch": 2}


def test_what_an_interrupted_save_left_is_no_checkpoint(written, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    shutil.copytree(copy / "20", copy / "30.orbax-checkpoint-tmp")
    shutil.rmtree(copy / "30.orbax-checkpoint-tmp" / "leaves")
    found, lines = newest(copy)
    assert found is not None
    assert (found[1], lines) == ({"epoch": 2}, [])


def test_if_all_are_damaged_there_is_none_and_each_is_told(written, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    for step in ("10", "20"):
        shutil.rmtree(copy / step / "leaves")
    found, lines = newest(copy)
    assert found is None
    assert [line.split(" ")[0].rsplit("/", 1)[1] for line in lines] == ["20", "10"]


def test_a_save_after_damage_outlives_the_damaged_steps(written, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    for step in ("10", "20"):
        shutil.rmtree(copy / step / "leaves")
    opened = Checkpoints(copy)
    assert opened.load_newest(lambda line: None) is None
    opened.save(5, tree(5), {"epoch": 0})
    opened.close()
    (leaves, _), lines = newest(copy)
    assert same(from_leaves(tree(), leaves), tree(5))
    assert lines == []


def test_an_error_without_words_is_told_in_one_line(checkpoints, monkeypatch):
    checkpoints.save(1, tree(), {})

    def fail(*_, **__):
        raise AssertionError

    monkeypatch.setattr(checkpoints._manager, "restore", fail)
    with pytest.raises(DamagedCheckpointError, match="AssertionError"):
        checkpoints.load(1)


# --- killed while saving --------------------------------------------------------------

SAVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import numpy as np
    from negspa_jax.checkpoint import Checkpoints

    opened = Checkpoints(Path(sys.argv[1]))
    found = opened.load_newest(print)
    start = found[1]["step"] if found else 0
    for step in range(start + 1, 10**6):
        opened.save(step, {"a": np.full(20_000, step)}, {"step": step})
        print("saved", step, flush=True)
    """
)


def save_until_killed(folder: Path, *, after_seconds: float) -> int:
    """Save step after step in another process, kill -9 it; return the last it told."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )
    assert process.stdout is not None
    told = process.stdout.readline()
    time.sleep(after_seconds)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    lines = [told, *rest.splitlines(keepends=True)]
    whole = [line for line in lines if line.startswith("saved") and line.endswith("\n")]
    return int(whole[-1].split()[1])


def test_kill_9_at_any_moment_leaves_the_last_finished_step_or_a_later_one(tmp_path):
    last = 0
    for seconds in (0.03, 0.11):
        last = save_until_killed(tmp_path / "killed", after_seconds=seconds)
        found, _ = newest(tmp_path / "killed")
        assert found is not None
        step = found[1]["step"]
        assert step >= last
        assert np.all(found[0]["a"] == step)
    assert last > 1
