"""Weights: the table covers every tensor, what does not fit is named, the door."""

import hashlib
import subprocess
import sys
import urllib.request

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from negspa_jax.models import (
    ENCODERS,
    convert_weights,
    load_encoder_weights,
    make_encoder,
    resolve_weights,
    weight_files,
)
from negspa_jax.models.__main__ import main
from negspa_jax.models.torchvision_names import list_targets


def variables_of(name, num_classes=None):
    """Shapes of all variables by path."""
    network = make_encoder(name, num_classes=num_classes)
    images = jax.ShapeDtypeStruct((1, 64, 64, 3), np.float32)
    shapes = jax.eval_shape(
        lambda key, images: network.init(key, images, train=False),
        jax.random.key(0),
        images,
    )
    return {path: leaf.shape for path, leaf in flatten_dict(shapes).items()}


@pytest.fixture(scope="module")
def state():
    """A state dict of ResNet18 as torchvision's, without torch."""
    generator = np.random.default_rng(0)
    shapes = variables_of("resnet18", 1000)
    tensors = {}
    for name, target in list_targets("resnet18").items():
        if target is None:
            tensors[name] = np.array(7)
        else:
            shape = target.layout.torch_shape(shapes[target.path])
            tensors[name] = generator.normal(size=shape).astype(np.float32)
    return tensors


@pytest.fixture
def save(tmp_path):
    """Write tensors, return the path."""

    def write(tensors):
        save_file(tensors, tmp_path / "weights.safetensors")
        return tmp_path / "weights.safetensors"

    return write


@pytest.mark.parametrize("name", ENCODERS)
def test_the_table_of_names_covers_every_variable_once(name):
    targets = [target.path for target in list_targets(name).values() if target]
    assert len(targets) == len(set(targets))
    assert set(targets) == set(variables_of(name, 1000))


@pytest.mark.reference
@pytest.mark.parametrize("name", ENCODERS)
def test_the_table_of_names_covers_every_tensor_of_torchvision(name):
    import torch

    from tests.models.torchvision_import import import_torchvision

    with torch.device("meta"):
        network = getattr(import_torchvision().models, name)(weights=None)
    assert list(list_targets(name)) == list(network.state_dict())


def test_convolutions_are_transposed_to_rows_columns_in_out(state, save):
    loaded = load_encoder_weights(save(state), encoder="resnet18")
    kernel = loaded["params"]["stage1_block0"]["conv1"]["kernel"]
    theirs = state["layer1.0.conv1.weight"]
    assert kernel[2, 1, 5, 7] == theirs[7, 5, 2, 1]
    assert "classifier" not in loaded["params"]


def test_the_classifier_is_kept_on_demand(state, save):
    loaded = load_encoder_weights(save(state), encoder="resnet18", classifier=True)
    np.testing.assert_array_equal(
        loaded["params"]["classifier"]["kernel"], state["fc.weight"].T
    )


def test_files_without_counters_and_classifier_are_read(state, save):
    """As those of torch before 0.4.1, and of encoders published alone."""
    kept = {
        name: tensor
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked") and not name.startswith("fc")
    }
    load_encoder_weights(save(kept), encoder="resnet18")


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_become_float32(dtype, state, save):
    cast = {name: tensor.astype(dtype) for name, tensor in state.items()}
    loaded = load_encoder_weights(save(cast), encoder="resnet18")
    assert {leaf.dtype for leaf in jax.tree.leaves(loaded)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layer9.weight": np.ones(3)}, "got 'layer9.weight' \\(1 unknown\\)"),
        ({"bn1.bias": None}, "must hold the tensor 'bn1.bias' of resnet18, got none"),
        (
            {"conv1.weight": np.ones((64, 3, 3, 3))},
            r"tensor conv1.weight must be \(64, 3, 7, 7\), got \(64, 3, 3, 3\)",
        ),
        ({"bn1.bias": np.full(64, np.nan)}, "tensor bn1.bias must be finite"),
    ],
)
def test_what_does_not_fit_is_named(change, sentence, state, save):
    tensors = {k: v for k, v in (state | change).items() if v is not None}
    with pytest.raises(ValueError, match=sentence):
        load_encoder_weights(save(tensors), encoder="resnet18")


def test_another_networks_weights_are_refused(state, save):
    with pytest.raises(ValueError, match=r"must hold the tensor .* of resnet34"):
        load_encoder_weights(save(state), encoder="resnet34")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "got a file that starts"),
        (b"", "got a file that starts"),
        (b"\x10\0\0\0\0\0\0\0{damaged", "undamaged safetensors file"),
        (b"PK\3\4 damaged", "undamaged state dict of torch"),
        (b"\x80\2 damaged", "undamaged state dict of torch"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(content, sentence, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        load_encoder_weights(path, encoder="resnet18")


def test_a_truncated_safetensors_file_is_refused(state, save):
    path = save(state)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="undamaged safetensors file"):
        load_encoder_weights(path, encoder="resnet18")


def test_a_converted_file_loads_to_the_same_variables(state, save, tmp_path):
    source, out = save(state), tmp_path / "out.safetensors"
    convert_weights(source, out, encoder="resnet18")
    for left, right in zip(
        jax.tree.leaves(load_encoder_weights(source, encoder="resnet18")),
        jax.tree.leaves(load_encoder_weights(out, encoder="resnet18")),
        strict=True,
    ):
        np.testing.assert_array_equal(left, right)
    assert "params/stem_conv/kernel" in load_file(out)
    with safe_open(out, "numpy") as file:
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        assert file.metadata()["source_sha256"] == digest
    with pytest.raises(ValueError, match="must hold weights of resnet34, got resnet18"):
        load_encoder_weights(out, encoder="resnet34")


# Where weights come from.


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A file that passes for torchvision's resnet18, and caches of its own."""
    content = b"weights"
    name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    monkeypatch.setitem(weight_files.FILE_NAMES, "resnet18", name)
    monkeypatch.setenv("NEGSPA_CACHE", str(tmp_path / "ours"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    source = tmp_path / "server" / name
    source.parent.mkdir()
    source.write_bytes(content)
    monkeypatch.setattr(weight_files, "PUBLISHED", source.parent.as_uri() + "/")
    return source


def test_every_encoder_has_a_published_file():
    assert weight_files.FILE_NAMES.keys() == ENCODERS.keys()


def test_none_means_random_weights():
    assert resolve_weights("none", encoder="resnet18") is None


def test_a_path_is_resolved_to_its_sha256(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(b"abc")
    weights = resolve_weights(str(path), encoder="resnet18")
    assert weights is not None
    assert weights.path == path
    assert weights.sha256.startswith("ba7816bf")


def test_imagenet_weights_are_downloaded_once(published, tmp_path):
    first = resolve_weights("imagenet", encoder="resnet18")
    assert first is not None
    assert first.path == tmp_path / "ours" / published.name
    published.unlink()
    assert resolve_weights("imagenet", encoder="resnet18") == first
    assert list(first.path.parent.iterdir()) == [first.path]


def test_a_file_that_torch_has_downloaded_is_used(published, tmp_path):
    place = tmp_path / "torch" / "hub" / "checkpoints" / published.name
    place.parent.mkdir(parents=True)
    published.rename(place)
    weights = resolve_weights("imagenet", encoder="resnet18")
    assert weights is not None
    assert weights.path == place


def test_a_download_with_another_hash_is_not_kept(published, tmp_path):
    published.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"SHA-256 of .* must start with"):
        resolve_weights("imagenet", encoder="resnet18")
    assert list((tmp_path / "ours").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_refused(published):
    weights = resolve_weights("imagenet", encoder="resnet18")
    assert weights is not None
    weights.path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="delete it"):
        resolve_weights("imagenet", encoder="resnet18")


def test_without_network_the_sentence_says_what_to_do(published, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    with pytest.raises(ValueError, match=r"--config.encoder.weights=none") as caught:
        resolve_weights("imagenet", encoder="resnet18")
    assert str(tmp_path / "ours") in str(caught.value)
    assert published.name in str(caught.value)


def test_a_missing_file_is_refused():
    with pytest.raises(ValueError, match=r"got 'nowhere.pth'"):
        resolve_weights("nowhere.pth", encoder="resnet18")


# The door.


def test_the_door_converts(state, save, tmp_path, capsys):
    out = tmp_path / "out.safetensors"
    flags = ["--encoder=resnet18", f"--weights={save(state)}", f"--out={out}"]
    assert main(["convert", *flags]) == 0
    assert "SHA-256" in capsys.readouterr().out
    load_encoder_weights(out, encoder="resnet18")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["convert", "--encodr=resnet18"], "Unknown command line flag 'encodr'"),
        (["convert", "--encoder=resnet19"], "<resnet18|resnet34"),
        (["convert", "--encoder=resnet18", "--weights=x"], "--out must be given"),
        (["convert", "--encoder=resnet18", "--weights=x", "--out=y"], "got 'x'"),
        (["convert", "--encoder=resnet18", "--weights=none", "--out=y"], "got 'none'"),
        (["invert", "--encoder=resnet18", "--weights=x", "--out=y"], "got 'invert'"),
    ],
)
def test_a_users_mistake_gives_one_sentence_and_exit_code_2(
    arguments, sentence, capsys
):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_the_door_ends_with_code_2_from_the_shell():
    command = [sys.executable, "-m", "negspa_jax.models", "convert", "--out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
