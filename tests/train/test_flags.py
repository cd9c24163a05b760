"""The command line: overrides arrive, and every mistake in it is one sentence."""

import dataclasses
import re
from pathlib import Path

import pytest

from negspa_jax.config import Config, flatten
from negspa_jax.config.rules import without_none
from negspa_jax.train.__main__ import EXIT_MISTAKE, main
from negspa_jax.train.flags import define_flags, read_command
from negspa_jax.train.overrides import apply_override, load_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
GOOD = "from negspa_jax.config import *\n"


@pytest.fixture
def config_file(tmp_path, monkeypatch):
    """Write a config file of this text; a relative path, as people give it."""
    monkeypatch.chdir(tmp_path)

    def write(text: str = GOOD + "def get_config(): return Config()\n") -> str:
        Path("given.py").write_text(text)
        return "given.py"

    return write


@pytest.fixture
def read(config_file):
    """Parse flags that follow a good --config and --workdir."""

    def parse(*words: str):
        config = config_file()
        return read_command([f"--config={config}", "--workdir=out", *words])

    return parse


def sentence(parse, *words: str) -> str:
    """What the person is told; one line, no traceback."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        parse(*words)
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def set_by(command) -> dict:
    """The fields that differ from the defaults."""
    default, now = flatten(Config()), flatten(command.config)
    return {name: now[name] for name in now if now[name] != default.get(name)}


# --- what arrives ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("seed=7", "seed", 7),
        ("data.cohort=a folder/a=b.csv", "data.cohort", "a folder/a=b.csv"),
        ("data.num_folds=2", "data.num_folds", 2),
        ("data.z_clip=4", "data.z_clip", 4.0),
        ("stages[0].learning_rate=1e-3", "stages[0].learning_rate", 1e-3),
        ("stages[1].epochs=5", "stages[1].epochs", 5),
        ("encoder.name=resnet18", "encoder.name", "resnet18"),
        ("encoder.shared=true", "encoder.shared", True),
        ("encoder.shared=True", "encoder.shared", True),
        ("encoder.shared=1", "encoder.shared", True),
        ("data.sequences=adc,t2", "data.sequences", ["adc", "t2"]),
        ("data.sequences=adc", "data.sequences", ["adc"]),
        ("data.sequences=3d_flair,T2 FS", "data.sequences", ["3d_flair", "T2 FS"]),
        ("data.sequences=('adc', \"t2\")", "data.sequences", ["adc", "t2"]),
        ("data.sequences=['adc',]", "data.sequences", ["adc"]),
        ("data.sequences=ADC (b1),T2", "data.sequences", ["ADC (b1)", "T2"]),
        ("data.sequences=1e3,True", "data.sequences", ["1e3", "True"]),
        ("mixing.preset=cutmix", "mixing.preset", "cutmix"),
        ("mixing.alpha=0.5", "mixing.alpha", 0.5),
        ("mixing.num_labels=5", "mixing.num_labels", 5),
        ("mixing.puzzle=false", "mixing.puzzle", False),
        ("mixing.local=soft", "mixing.local", "soft"),
        ("mixing.num_blocks=2,4", "mixing.num_blocks", [2, 4]),
        ("mixing.num_blocks=(2, 4)", "mixing.num_blocks", [2, 4]),
        ("mixing.num_blocks=8", "mixing.num_blocks", [8]),
    ],
)
def test_an_override_arrives(read, word, name, value):
    command = read(f"--config.{word}")
    command.config.validate()
    assert set_by(command) == {name: value}


def test_several_overrides_arrive_and_the_last_of_a_field_counts(read):
    command = read("--config.seed=1", "--config.stages[1].epochs=3", "--config.seed=2")
    assert set_by(command) == {"seed": 2, "stages[1].epochs": 3}


def test_overrides_may_stand_before_the_config(config_file):
    command = read_command(
        ["--config.seed=3", f"--config={config_file()}", "--workdir=out"]
    )
    assert command.config.seed == 3


def test_every_field_can_be_overridden(read):
    words = {int: "3", float: "0.125", str: "x"}
    words |= {tuple[str, ...]: "a,b", tuple[int, ...]: "3,6"}
    for name, kind, value in _fields(Config()):
        word = str(not value) if kind is bool else words[kind]
        assert read(f"--config.{name}={word}").config != Config()


def _fields(part, prefix=""):
    for item in dataclasses.fields(part):
        value, name = getattr(part, item.name), prefix + item.name
        if item.name == "stages":
            yield from _fields(value[0], f"{name}[0].")
        elif dataclasses.is_dataclass(value):
            yield from _fields(value, f"{name}.")
        else:
            yield name, without_none(item.type), value


def test_an_override_leaves_the_given_config_as_it_is():
    config = Config()
    apply_override(config, "stages[0].epochs=3")
    assert config == Config()


def test_two_stages_that_are_one_object_are_overridden_apart(config_file):
    text = "def get_config():\n  s = Stage()\n  return Config(stages=(s, s))\n"
    config = load_config(config_file(GOOD + text))
    stages = apply_override(config, "stages[0].epochs=3").stages
    assert [stage.epochs for stage in stages] == [3, 100]


def test_stages_written_as_a_list_can_be_overridden():
    config = Config()
    config.stages = list(config.stages)  # type: ignore[assignment]
    assert apply_override(config, "stages[1].epochs=3").stages[1].epochs == 3


def test_the_flags_arrive(read):
    command = read(
        "--folds=0,3",
        "--distributed",
        "--coordinator=host:1",
        "--num_processes=2",
        "--process_id=1",
    )
    assert command == dataclasses.replace(
        command,
        workdir=Path("out"),
        folds=[0, 3],
        distributed=True,
        coordinator="host:1",
        num_processes=2,
        process_id=1,
    )


def test_without_flags_all_folds_are_trained_in_one_process(read):
    command = read()
    assert (command.folds, command.distributed, command.coordinator) == (
        None,
        False,
        None,
    )


def test_the_text_after_a_colon_reaches_get_config(config_file):
    name = config_file(GOOD + "def get_config(n): return Config(seed=int(n))\n")
    assert load_config(f"{name}:12").seed == 12


# --- mistakes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("sead=3", "config has no field 'sead': did you mean seed?"),
        ("Seed=3", "did you mean seed?"),
        ("data.sequencs=a", "config.data has no field 'sequencs': did you mean seq"),
        ("stages[0].epoch=1", "config.stages[0] has no field 'epoch': did you mean"),
        ("zzz=3", "config has no field 'zzz': it has seed, precision, label_smoothing"),
        ("validate=3", "config has no field 'validate'"),
        ("__class__=3", "config has no field '__class__'"),
        ("data.__dict__=3", "config.data has no field '__dict__'"),
        ("seed=abc", "config.seed must be a whole number, got 'abc'"),
        ("seed=1.5", "config.seed must be a whole number, got '1.5'"),
        ("seed=", "config.seed must be a whole number, got ''"),
        ("seed=None", "config.seed must be a whole number, got 'None'"),
        ("data.z_clip=abc", "config.data.z_clip must be a number, got 'abc'"),
        ("encoder.shared=2", "config.encoder.shared must be true or false, got '2'"),
        ("encoder.shared=", "config.encoder.shared must be true or false, got ''"),
        ("mixing.alpha=None", "config.mixing.alpha must be a number, got 'None'"),
        ("mixing.puzzle=no", "config.mixing.puzzle must be true or false, got 'no'"),
        ("mixing.num_blocks=2,x", "must be whole numbers such as 2,4, got '2,x'"),
        ("mixing.num_blocks=", "must be whole numbers such as 2,4, got ''"),
        ("mixing.num_blocks=2.5", "must be whole numbers such as 2,4, got '2.5'"),
        ("mixing.num_blocks[0]=2", "mixing.num_blocks is one value and has no '0'"),
        ("mixing.alfa=1", "config.mixing has no field 'alfa': did you mean alpha?"),
        ("seed", "--config.seed needs a value: --config.seed=VALUE"),
        ("encoder.shared", "needs a value: --config.encoder.shared=VALUE"),
        ("stages[5].epochs=3", "config.stages has 2 entries, from [0], got [5]"),
        ("stages.epochs=3", "config.stages has 2 entries, from [0], got [epochs]"),
        ("stages[x].epochs=1", "must be like --config.data.sides=left"),
        ("stages[-1].epochs=1", "must be like --config.data.sides=left"),
        ("stages[0]epochs=1", "must be like --config.data.sides=left"),
        ("stages[0=1", "must be like --config.data.sides=left"),
        ("stages[0].=1", "must be like --config.data.sides=left"),
        ("=3", "must be like --config.data.sides=left"),
        (".=3", "must be like --config.data.sides=left"),
        ("data..sides=left", "must be like --config.data.sides=left"),
        ("stages=3", "config.stages is no single value"),
        ("stages=()", "config.stages is no single value"),
        ("stages[0]=1", "config.stages[0] is no single value"),
        ("data=3", "config.data is no single value: give --config.data.kind=VALUE"),
        ("data.sides.x=3", "config.data.sides is one value and has no 'x'"),
        ("data.sequences[0]=a", "config.data.sequences is one value and has no '0'"),
        ("seed[0]=3", "config.seed is one value and has no '0'"),
        ("data[0]=3", "config.data has no field '0'"),
    ],
)
def test_a_mistake_in_an_override_is_one_sentence(read, word, told):
    assert told in sentence(read, f"--config.{word}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cofnig.seed=3"], "Unknown command line flag 'cofnig.seed'"),
        (["--fold=1"], "Did you mean: folds"),
        (["--noconfig.encoder.shared"], "Unknown command line flag"),
        (["--folds=a"], "--folds must be whole numbers such as 0,3, got 'a'"),
        (["--folds="], "--folds must be whole numbers such as 0,3, got ''"),
        (["--folds=-1"], "--folds must be whole numbers"),
        (["--folds=1,"], "--folds must be whole numbers"),
        (["--folds=²"], "--folds must be whole numbers"),
        (["--folds"], "Missing value for flag --folds"),
        (["--num_processes=x"], "--num_processes=x"),
        (["--distributed=maybe"], "--distributed=maybe"),
        (["--workdir="], "--workdir must be given, such as"),
        (["--config="], "--config must be given, such as"),
        (["stray"], "every argument must be a --flag, got 'stray'"),
        (["--", "stray"], "every argument must be a --flag, got 'stray'"),
        (["--config.seed", "5"], "every argument must be a --flag, got '5'"),
        (["--flagfile=nowhere"], "Unable to open flagfile"),
    ],
)
def test_a_mistake_in_a_flag_is_one_sentence(read, words, told):
    assert told in sentence(read, *words)


def test_a_missing_workdir_is_one_sentence(config_file):
    name = config_file()
    told = sentence(lambda: read_command([f"--config={name}"]))
    assert told.startswith("--workdir must be given, such as --config=configs/")


@pytest.mark.parametrize("words", [[], ["--workdir=out"], ["--config.seed=3"]])
def test_a_missing_config_is_one_sentence(words):
    told = sentence(lambda: read_command(words))
    assert told.startswith("--config must be given, such as --config=configs/")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def get_config(:", "given.py cannot be used: line 1: "),
        ("\nimport absent_module", "given.py cannot be used: line 2: ModuleNotFound"),
        ("def get_config():\n  raise KeyError('a\\nb')", "line 2: KeyError"),
        ("import sys\nsys.exit(3)", "line 2: SystemExit: 3"),
        ("def get_config(): assert False", "line 1: AssertionError"),
        (GOOD + "def get_config(): return Config(sead=3)", "argument 'sead'"),
        (GOOD + "def get_config(): Config().encoder.nam = 3", "attribute 'nam'"),
        ("def get_config(): return 3", "must return a negspa_jax Config, got int"),
        ("def get_config(): pass", "must return a negspa_jax Config, got NoneType"),
        (GOOD + "def get_config(): return Config", "Config, got type"),
        ("x = 1", "given.py must define get_config()"),
        ("get_config = 1", "given.py must define get_config()"),
        (GOOD + "def get_config(a): return Config()", "needs a text, got 'given.py'"),
        ("x = 'a\0b'", "given.py cannot be used: "),
        (
            GOOD + "def get_config(): raise ConfigError('wrong and how')",
            "wrong and how",
        ),
    ],
)
def test_a_mistake_in_a_config_file_is_one_sentence(config_file, text, told):
    name = config_file(text)
    words = [f"--config={name}", "--workdir=out", "--config.seed=3"]
    assert told in sentence(lambda: read_command(words))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("absent.py", "got 'absent.py': no such file"),
        ("given", "got 'given': no such file"),
        (".", "got '.': a directory"),
        ("given.py:t1w", "get_config() of given.py takes no text, got 'given.py:t1w'"),
        ("given.py:", "takes no text, got 'given.py:'"),
    ],
)
def test_a_wrong_name_of_a_config_file_is_one_sentence(config_file, name, told):
    config_file()
    assert told in sentence(lambda: load_config(name))


@pytest.mark.parametrize(
    "word", ["--config.sead=3", "--config.data.z_clip=nan", "--config.seed=-1"]
)
def test_the_door_tells_the_sentence_and_leaves_with_2(config_file, capsys, word):
    code = main([f"--config={config_file()}", "--workdir=out", word])
    told = capsys.readouterr().err
    assert code == EXIT_MISTAKE
    assert re.fullmatch(r"negspa_jax\.train: config.*\n", told)
    assert not Path("out").exists()


def test_help_names_every_flag(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(
        f"--{name}" in told or f"--[no]{name}" in told for name in define_flags()
    )


# --- the configs of the project -------------------------------------------------------


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.py")), ids=lambda p: p.stem)
def test_every_config_of_the_project_can_be_read(path):
    load_config(str(path)).validate()


@pytest.mark.parametrize(
    ("given", "sequences"),
    [
        ("dual_r50.py", ("t1w", "fs")),
        ("dual_r50.py:t1w,fs", ("t1w", "fs")),
        ("dual_r50.py:t2w,fs", ("t2w", "fs")),
        ("single_r50.py", ("t1w",)),
        ("single_r50.py:t2w", ("t2w",)),
        ("single_r50.py:fs", ("fs",)),
        ("tri_r50.py", ("t1w", "t2w", "fs")),
    ],
)
def test_a_configs_text_chooses_the_sequences(given, sequences):
    config = load_config(str(CONFIGS / given))
    config.validate()
    assert config.data.sequences == sequences


@pytest.mark.parametrize(
    "given", ["dual_r50.py:t1w,t2w", "single_r50.py:t3", "dual_r50.py:"]
)
def test_another_text_is_refused_with_the_possible_ones(given):
    told = sentence(lambda: load_config(str(CONFIGS / given)))
    assert re.search(r"must be given :\w+.* or|must be given :t1w, :t2w, :fs", told)


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("tri_r18", "resnet18"),
        ("tri_r34", "resnet34"),
        ("tri_r101", "resnet101"),
        ("tri_vgg16_bn", "vgg16_bn"),
    ],
)
def test_the_other_encoders_configs_differ_in_the_encoder_alone(name, encoder):
    config = load_config(str(CONFIGS / f"{name}.py"))
    config_of_paper = load_config(str(CONFIGS / "tri_r50.py"))
    config_of_paper.encoder.name = encoder
    assert config == config_of_paper


def test_a_tilde_is_the_home_directory(read, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read("--workdir=~/runs").workdir == tmp_path / "runs"
    (tmp_path / "mine.py").write_text(GOOD + "def get_config(): return Config()\n")
    assert load_config("~/mine.py") == Config()
