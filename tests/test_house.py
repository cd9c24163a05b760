"""The house keeps its shape: directions of import, sizes, names, one version.

Each test collects every offender and says where it stands and what to do.
"""

import ast
import functools
import graphlib
import importlib.util
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import negspa_jax

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "negspa_jax"
CONFIGS = sorted((ROOT / "configs").glob("*.py"))
README = ROOT / "README.md"

MAX_FILE_LINES = 250
MAX_BODY_LINES = 40
MAX_CONFIG_LINES = 45

# What every room may use: the words for arrays and columns, how small files are read
# and written, pages made, and what the doors share.
FLOOR = {"shapes", "columns", "csv_table", "whole_file", "templates", "door"}
# Which rooms a room may import beside the floor.
MAY_IMPORT: dict[str, set[str]] = {
    **{module: set() for module in FLOOR},
    "config": set(),
    "predictions": set(),
    "checkpoint": set(),
    "stats": set(),
    "mixcut": set(),
    "augment": set(),
    "models": set(),
    "data": set(),
    "evaluate": {"stats", "predictions"},
    "train": {
        *("config", "data", "models", "mixcut", "augment"),
        *("checkpoint", "predictions", "stats"),
    },
    "predict": {
        *("config", "data", "models", "checkpoint", "predictions", "evaluate"),
    },
    "report": {"evaluate"},
}

# All that these rooms may import from outside, beside the standard library.
ONLY_NEEDS = {
    "shapes": {"jax", "jaxtyping"},
    "columns": set(),
    "csv_table": set(),
    "whole_file": set(),
    "templates": {"jinja2"},
    "door": {"absl", "rich"},
    "config": set(),
    "predictions": {"numpy"},
    "stats": {"numpy", "scipy"},
    "mixcut": {"jax", "numpy"},
    "augment": {"jax", "numpy"},
}
# What these rooms must do without; nobody needs the last line's.
NEVER_NEEDS = {
    "data": {"jax", "flax", "optax", "orbax"},
    "models": {"optax", "orbax", "grain", "nibabel", "scipy"},
    "evaluate": {"jax", "flax", "optax", "orbax"},
    "report": {"jax", "flax", "optax", "orbax"},
}
NOBODY_NEEDS = {"torch", "torchvision", "tensorflow", "clu", "gco", "pandas"}
DEMONSTRATION_NEEDS = {"PIL", "matplotlib", "absl"}  # of mixcut/__main__.py alone


# --- reading the house --------------------------------------------------------------


@functools.cache
def sources() -> dict[str, tuple[Path, str]]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = (path, path.read_text(encoding="utf-8"))
    return found


@functools.cache
def tree(module: str) -> ast.Module:
    path, text = sources()[module]
    return ast.parse(text, filename=str(path))


def functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public_functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in functions(module):
        if node in tree(module).body and not node.name.startswith("_"):
            yield node


def place(module: str, node: ast.AST | None = None) -> str:
    path = sources()[module][0].relative_to(ROOT)
    return f"{path}:{getattr(node, 'lineno', 1)}"


@functools.cache
def imports(module: str) -> tuple[tuple[str, ast.AST], ...]:
    """The dotted names that a module imports, submodules told from members."""
    is_package = sources()[module][0].name == "__init__.py"
    found: list[tuple[str, ast.AST]] = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")[: None if is_package else -1]
            up = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*up, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.append((full if full in sources() else base, node))
    return tuple(found)


def room(module: str) -> str:
    return [*module.split("."), "face"][1]


def from_outside(module: str) -> Iterator[tuple[str, ast.AST]]:
    for name, node in imports(module):
        top = name.split(".")[0]
        if top != "negspa_jax" and top not in sys.stdlib_module_names:
            yield top, node


def run_alone(code: str, cwd: Path = ROOT) -> None:
    """Run code in a fresh interpreter, without this process's hooks and modules."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def assert_none(offenders: list[str], remedy: str) -> None:
    assert not offenders, "\n".join([remedy, *offenders])


# --- directions ---------------------------------------------------------------------


def test_every_room_stands_in_the_table_of_directions():
    unknown = {room(module) for module in sources()} - {*MAY_IMPORT, "face"}
    assert not unknown, f"add {unknown} to MAY_IMPORT, and to the README's map"


def test_rooms_import_only_in_the_documented_directions():
    offenders = [
        f"{place(module, node)}: {room(module)} imports {room(name)}"
        for module in sources()
        for name, node in imports(module)
        if name.split(".")[0] == "negspa_jax"
        and room(name)
        not in {"face", *FLOOR, room(module), *MAY_IMPORT.get(room(module), ())}
    ]
    assert_none(offenders, "rooms must import as MAY_IMPORT says; pass it as argument:")


def test_modules_import_each_other_in_no_circle():
    graph = {
        module: {name for name, _ in imports(module) if name in sources()} - {module}
        for module in sources()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"imports go in a circle: {' <- '.join(error.args[1])}")


def test_rooms_need_only_what_they_may_need():
    offenders = []
    for module in sources():
        allowed = ONLY_NEEDS.get(room(module))
        if module == "negspa_jax.mixcut.__main__":
            allowed = ONLY_NEEDS["mixcut"] | DEMONSTRATION_NEEDS
        never = NOBODY_NEEDS | NEVER_NEEDS.get(room(module), set())
        offenders += [
            f"{place(module, node)}: {top}"
            for top, node in from_outside(module)
            if top in never or (allowed is not None and top not in allowed)
        ]
    assert_none(offenders, "these imports are not for this room (see ONLY_NEEDS):")


def test_mixcut_needs_jax_and_numpy_only():
    run_alone("""
import builtins, sys
real = builtins.__import__
def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    top = name.split(".")[0]
    known = {"jax", "numpy", "negspa_jax", *sys.stdlib_module_names}
    if importer.startswith("negspa_jax") and not level and top not in known:
        raise ImportError(f"{importer} imports {name}")
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = guarded
from negspa_jax import mixcut
rooms = {name for name in sys.modules if name.startswith("negspa_jax.")}
others = {name for name in rooms if name.split(".")[1] not in ("mixcut", "shapes")}
heavy = {"flax", "optax", "orbax", "grain", "nibabel", "sklearn"} & set(sys.modules)
assert not others | heavy, f"negspa_jax.mixcut brings {others | heavy}"
""")


def test_the_second_wing_never_brings_jax():
    run_alone("""
import sys
from negspa_jax import predictions, stats
brought = {"jax", "flax", "nibabel", "matplotlib"} & set(sys.modules)
assert not brought, f"stats or predictions bring {brought}"
""")


def test_importing_the_package_brings_nothing_heavy():
    run_alone("""
import sys
before = set(sys.modules)
import negspa_jax
tops = {name.split(".")[0] for name in set(sys.modules) - before}
brought = tops - {"negspa_jax"} - set(sys.stdlib_module_names)
assert not brought, f"negspa_jax/__init__.py brings {brought}"
""")


def test_every_room_of_the_face_can_be_opened():
    rooms = set(negspa_jax.__all__) - {"__version__", "load"}
    missing = [name for name in rooms if f"negspa_jax.{name}" not in sources()]
    assert not missing, (
        f"negspa_jax/__init__.py names rooms without a module: {missing}"
    )


# --- sizes, words and names -----------------------------------------------------------


def test_files_are_short():
    lengths = {module: text.count("\n") for module, (_, text) in sources().items()}
    offenders = [
        f"{place(module)}: {length} lines"
        for module, length in lengths.items()
        if length > MAX_FILE_LINES
    ]
    assert_none(
        offenders, f"at most {MAX_FILE_LINES} lines; split what does two things:"
    )


def test_function_bodies_are_short():
    offenders = []
    for module in sources():
        for node in functions(module):
            documented = ast.get_docstring(node) is not None and len(node.body) > 1
            first = node.body[1] if documented else node.body[0]
            length = (node.end_lineno or 0) - first.lineno + 1
            if length > MAX_BODY_LINES:
                offenders.append(f"{place(module, node)}: {node.name}, {length} lines")
    assert_none(
        offenders, f"bodies have at most {MAX_BODY_LINES} lines; name the parts:"
    )


def test_modules_and_public_functions_have_docstrings():
    offenders = [
        f"{place(module)}: the module"
        for module in sources()
        if not ast.get_docstring(tree(module))
    ]
    offenders += [
        f"{place(module, node)}: {node.name}"
        for module in sources()
        for node in public_functions(module)
        if not ast.get_docstring(node)
    ]
    assert_none(offenders, "write a docstring (Args with unit and range, Returns):")


def test_no_function_bears_its_modules_name():
    offenders = [
        f"{place(module, node)}: {node.name} would hide the module on the room's face"
        for module in sources()
        for node in public_functions(module)
        if module == f"negspa_jax.{room(module)}.{node.name}"
    ]
    assert_none(offenders, "modules are nouns, functions verbs:")


def test_a_random_key_is_the_first_argument():
    offenders = []
    for module in sources():
        for node in public_functions(module):
            positional = [*node.args.posonlyargs, *node.args.args]
            later = [*positional[1:], *node.args.kwonlyargs]
            offenders += [
                f"{place(module, node)}: {node.name}"
                for argument in later
                if argument.annotation and ast.unparse(argument.annotation) == "Key"
            ]
    assert_none(offenders, "a function that takes a key takes it first:")


def test_no_path_of_one_machine_is_in_the_tree():
    rooted = re.compile(r"(?<![\w.~*}\])-])/(?:work|root|home|Users)/\w")
    kept = [
        PACKAGE,
        *(ROOT / name for name in ("tests", "configs", "benchmarks", ".ci")),
    ]
    files = [path for folder in kept for path in folder.rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    offenders = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in files
        if path.suffix in {".py", ".md", ".cfg", ".toml", ".cff", ".json", ".sh", ""}
        for number, line in enumerate(
            path.read_text("utf-8", "ignore").splitlines(), start=1
        )
        if rooted.search(line)
    ]
    assert_none(
        offenders, "absolute paths hold on one machine only; make them relative:"
    )


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or not shutil.which("git"), reason="no git checkout"
)
def test_patients_and_weights_are_kept_out_of_the_repository():
    names = ["a.nii", "a.nii.gz", "a.dcm", "cohort.csv", "a.pth", "runs/x/a.csv"]
    done = subprocess.run(
        ["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == names, "extend .gitignore"


# --- version, citation, configs, README -----------------------------------------------


def test_the_version_stands_in_one_place():
    assert "version = attr: negspa_jax.__version__" in (ROOT / "setup.cfg").read_text()
    assert re.fullmatch(r"\d+\.\d+\.\d+", negspa_jax.__version__)
    assigned = [
        name for name, (_, text) in sources().items() if "__version__ =" in text
    ]
    assert assigned == ["negspa_jax"], "the version is negspa_jax/__init__.py's alone"
    assert "\nversion:" not in (ROOT / "CITATION.cff").read_text("utf-8")


def test_the_citation_names_both_papers_and_puzzle_mix():
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    references = citation["references"]
    found = {reference.get("doi") for reference in references}
    assert {"10.21037/qims-24-729", "10.1186/s13075-021-02484-0"} <= found
    assert any("Puzzle Mix" in reference["title"] for reference in references)
    assert all(reference["authors"] for reference in references)


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"configs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_are_valid(path):
    load(path).get_config().validate()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_are_short_and_state_their_command(path):
    assert path.read_text("utf-8").count("\n") <= MAX_CONFIG_LINES
    command = rf"--config=configs/{path.name}\b"
    wanted = f"the docstring of {path.name} must hold the command that runs it"
    assert re.search(command, inspect.getdoc(load(path)) or ""), wanted


@pytest.fixture
def readme() -> str:
    if not README.is_file():
        pytest.skip("README.md is not there")
    return README.read_text("utf-8")


def snippets(text: str, *, marked: str) -> list[str]:
    """The blocks fenced as ```python, or those marked ```python run."""
    fenced = re.findall(r"^```python *(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [code for mark, code in fenced if not marked or mark == marked]


def test_the_readmes_snippets_compile(readme):
    for code in snippets(readme, marked=""):
        compile(code, "README.md", "exec")


def test_the_readmes_marked_snippets_run_in_their_order(readme, tmp_path):
    run_alone("\n".join(snippets(readme, marked="run")), cwd=tmp_path)


def test_the_readmes_commands_name_doors_and_configs_that_exist(readme):
    doors = re.findall(r"python -m (negspa_jax[\w.]*)", readme)
    missing = [
        door
        for door in doors
        if f"{door}.__main__" not in sources() and door not in sources()
    ]
    configs = re.findall(r"\bconfigs/\w+\.py", readme)
    missing += [name for name in configs if not (ROOT / name).is_file()]
    assert not missing, f"README.md names what is not there: {sorted(set(missing))}"
