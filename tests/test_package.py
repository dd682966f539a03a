"""Rules that hold for the whole source tree: layers, file sizes, docstrings, what the wheel carries, a quick --help."""

import ast
import os
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "orate"
FILES = sorted(PACKAGE.rglob("*.py"))
FILE_LINES_MAX = 300
HELP_TIME_S_MAX = 3.0  # a third of a second on a quiet machine; more than this means that something heavy is imported

# Top to bottom: a room imports only itself and rooms that stand before it (docs/architecture.md).
ROOMS = [
    *("media", "face", "render", "provenance", "models", "animator"),
    *("corpora", "training", "evaluation", "study", "cli"),
]
# Beyond the order: what a room must know nothing of.
FORBIDDEN = {
    "media": {"torch", "openvino"},
    "face": {"torch"},
    "render": {"torch", "soundfile", "soxr"},
    "provenance": {"torch", "orate.face", "orate.render"},
    "models": {"av", "orate.media", "orate.face"},
    "corpora": {"orate.models", "orate.animator"},
    "study": {"orate.training"},
}


def room_of(module: str) -> str:
    return module.split(".")[1]


def module_of(file: Path) -> str:
    parts = ("orate", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in the file, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            # `from orate import media` imports a room too
            yield from (
                [f"orate.{alias.name}" for alias in node.names if alias.name in ROOMS]
                if node.module == "orate"
                else [node.module]
            )


def in_rooms() -> list[Path]:
    """All files but the door (orate/__init__.py) and the error type, which every room may import."""
    return [file for file in FILES if module_of(file) not in ("orate", "orate.errors")]


def test_every_file_stands_in_a_known_room() -> None:
    assert {room_of(module_of(file)) for file in in_rooms()} <= set(ROOMS)


@pytest.mark.parametrize("file", in_rooms(), ids=lambda file: module_of(file))
def test_imports_go_up_the_list_only(file: Path) -> None:
    room = room_of(module_of(file))
    for name in imported(ast.parse(file.read_text())):
        for forbidden in FORBIDDEN.get(room, set()):
            assert name != forbidden, f"{room} must not know {forbidden}"
            assert not name.startswith(forbidden + "."), f"{room} must not know {forbidden}"
        if name.startswith("orate.") and name != "orate.errors":
            assert ROOMS.index(room_of(name)) <= ROOMS.index(room), f"{room} must not import {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))
def test_files_are_short(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= FILE_LINES_MAX


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Definition]]:
    """Public functions, classes and methods with their dotted names; variants of one function count once."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if any(ast.unparse(decorator).endswith(("overload", ".setter")) for decorator in node.decorator_list):
            continue
        yield f"{prefix}.{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{prefix}.{node.name}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))
def test_everything_public_has_a_docstring(file: Path) -> None:
    tree = ast.parse(file.read_text())
    missing = [name for name, node in public_definitions(tree.body, module_of(file)) if not ast.get_docstring(node)]
    if tree.body and not ast.get_docstring(tree):  # an empty __init__.py has nothing to describe
        missing.append(module_of(file))
    assert missing == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The package as users get it."""
    directory = str(tmp_path_factory.mktemp("wheel"))
    return zipfile.ZipFile(next(iter(WheelBuilder(str(ROOT)).build(directory=directory))))


def test_the_wheel_carries_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    """Weights, helper models and configs too, whatever their ending."""
    expected = {
        str(file.relative_to(ROOT / "src"))
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert "orate/py.typed" in expected
    assert expected <= set(wheel.namelist())


def test_the_wheel_carries_the_licences_and_the_command(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    info = next(name.partition("/")[0] for name in names if ".dist-info/" in name)
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= names
    assert "orate = orate.cli.main:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_the_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()} == {"orate"}


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += [item for extra in project["project"]["optional-dependencies"].values() for item in extra]
    pins = (ROOT / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    pinned = {line.partition("==")[0] for line in pins if not line.startswith("#")}
    for requirement in wanted:
        name = requirement.partition(">")[0].strip().lower().replace("_", "-")
        assert name in pinned, f"{name} is not in constraints.txt"


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from orate.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        "    heavy = {'torch', 'openvino', 'cv2', 'av', 'numpy', 'scipy', 'lightning_fabric'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=False)
    took_s = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert "animate" in done.stdout
    assert took_s < HELP_TIME_S_MAX


def test_animate_loads_no_training_code(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from orate.cli.main import main\n"
        "try:\n"
        "    main(['animate', 'missing.jpg', 'missing.wav', '-o', 'out.mp4'])\n"
        "finally:\n"
        "    training = [m for m in sys.modules if m.startswith(('orate.training', 'orate.corpora', 'lightning'))]\n"
        "    assert not training, training\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120
    )
    assert "AssertionError" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_openvino_reports_to_nobody() -> None:
    """With its telemetry, importing openvino sends usage data; where that cannot be loaded, OpenVINO uses a stub."""
    script = (
        "import sys\n"
        "import orate.face.networks\n"
        "assert 'openvino' in sys.modules\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
    )
    environment = {**os.environ, "CI": "true"}  # should it fail, nothing is sent: OpenVINO is silent in CI
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
