"""The house itself: what lies where, how large it grew, and what may know of what."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import launch
from studio.loggers import LOGGERS
from studio.spec.installed import LIGER_REQUIREMENT

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {
    *(".ci", ".gitignore", "LICENSE", "README.md", "launch.py", "pyproject.toml"),
    *("assets", "docs", "jobs", "requirements.lock", "studio", "tests"),
}
SOURCES = sorted([ROOT / "launch.py", *ROOT.glob("jobs/**/*.py"), *ROOT.glob("studio/**/*.py")])
LONGEST_FILE = 600
LONGEST_FUNCTION = 60

# Modules whose tests lie elsewhere, each with the reason.
TESTED_ELSEWHERE: dict[str, str] = {
    "studio.cli.command": "a declaration; tests/studio/cli/test_main.py goes through every command",
    "studio.cli.exits": "tests/studio/cli/test_commands.py",
    "studio.data.encoding": "tests/studio/data/readers: every reader reads through it",
    "studio.training.autocast": "tests/studio/training/test_head.py and fused: both go through it",
    "studio.data.progress": "a type; tests/studio/ui/test_waiting.py",
    "studio.data.table": "a value; tests/studio/data/readers",
}

# Everything here may be imported by the page server and the commands.
FREE_OF_TORCH = [
    *("checks", "cli", "data", "devices", "errors", "failures", "formats", "library", "loggers"),
    *("methods", "models", "occupants"),
    *("objectives", "orders", "registry", "settings", "spec", "ui", "worker.client"),
]
TORCH_ALL_THE_SAME = {"studio.models.convert"}
TORCH_PACKAGES = {"torch", "transformers", "peft"}


def tracked_files() -> list[Path]:
    """The files under version control, as paths from the root."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy is not under version control")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [Path(name) for name in listed.stdout.decode().split("\0") if name]


def module_name(file: Path) -> str:
    """`studio.models.source` for its file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file, each with its number of lines."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def imported_packages(file: Path) -> set[str]:
    """The top-level packages that a file imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def in_a_fresh_process(modules: list[str], unwanted: set[str]) -> dict[str, list[str]]:
    """Import modules one after the other; gives each that brought in something unwanted."""
    code = (
        "import importlib, json, sys\n"
        "found, seen = {}, set()\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        f"    new = {unwanted!r} & set(sys.modules) - seen\n"
        "    if new: found[name] = sorted(new)\n"
        "    seen |= new\n"
        "print(json.dumps(found))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, list[str]] = json.loads(answer.stdout.splitlines()[-1])
    return found


def docstring(file: Path) -> str:
    """What a module says of itself."""
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def has_tests(file: Path) -> bool:
    """Whether a module's tests lie at its path, or at its folder's: a registry's things share one."""
    path = file.relative_to(ROOT)
    # Migrations are run by every test that opens a database.
    if path.stem in ("__init__", "__main__") or "migrations" in path.parts:
        return True
    folder = ROOT / "tests" / path.parent
    places = [
        folder / f"test_{path.stem}.py",
        folder / f"test_{path.parent.name}.py",
        folder.parent / f"test_{path.parent.name}.py",
    ]
    return any(place.exists() for place in places)


def test_the_top_level_holds_what_the_design_lists_and_nothing_else() -> None:
    assert {file.parts[0] for file in tracked_files()} <= TOP_LEVEL


def test_no_file_is_the_place_where_everything_goes() -> None:
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}

    assert {module_name(file): n for file, n in lines.items() if n > LONGEST_FILE} == {}


def test_no_function_is_the_place_where_everything_happens() -> None:
    found = [(module_name(file), *function) for file in SOURCES for function in functions(file)]

    assert [function for function in found if function[2] > LONGEST_FUNCTION] == []


def test_every_module_says_in_one_sentence_what_it_owns() -> None:
    words = {module_name(file): docstring(file).partition("\n\n")[0] for file in SOURCES}

    assert [name for name, said in words.items() if not said.endswith((".", ":"))] == []


def test_every_module_has_its_tests_at_the_same_path() -> None:
    untested = {module_name(file) for file in SOURCES if not has_tests(file)}

    missing = sorted(untested - set(TESTED_ELSEWHERE))
    assert not missing, f"{len(missing)} modules have no tests: {', '.join(missing)}"
    assert sorted(set(TESTED_ELSEWHERE) - untested) == []


def test_what_pages_and_commands_import_leaves_torch_out() -> None:
    places = [ROOT / "studio" / name.replace(".", "/") for name in FREE_OF_TORCH]
    files = [
        file for place in places for file in (*place.glob("**/*.py"), place.with_suffix(".py"))
    ]
    modules = {module_name(file) for file in files if file.exists()} - TORCH_ALL_THE_SAME
    programs = {name for name in modules if name.endswith("__main__")}

    assert in_a_fresh_process(sorted(modules - programs), TORCH_PACKAGES) == {}


def test_the_queue_knows_nothing_of_the_studio() -> None:
    files = [file for file in ROOT.glob("jobs/**/*.py") if "migrations" not in file.parts]
    other = {"win32": ("linux", "macos"), "darwin": ("linux", "windows")}
    not_here = other.get(sys.platform, ("macos", "windows"))
    modules = [module_name(file) for file in files if file.stem not in (*not_here, "__main__")]

    assert in_a_fresh_process(sorted(modules), {"studio", *TORCH_PACKAGES, "gradio"}) == {}


def test_no_file_names_a_machine_or_a_registry() -> None:
    unwanted = ["/work" + "/main", "/work" + "/shared", "/opt" + "/wheels", "/root" + "/"]
    unwanted += ["files.python" + "hosted.org", "pypi.org" + "/simple", "download.py" + "torch.org"]
    found = [
        (str(file), words)
        for file in tracked_files()
        if (ROOT / file).is_file()
        for words in unwanted
        if words.encode() in (ROOT / file).read_bytes()
    ]

    assert found == []


def test_the_lock_holds_every_package_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = launch.read_lock(launch.Place(ROOT))
    base, extra = (names_in(re.findall(r"^\w\S*==", parts[n].text, re.M)) for n in ("base", "test"))

    assert names_in(project["dependencies"]) - base == {"torch"}
    assert names_in(project["optional-dependencies"]["test"]) <= base | extra


def test_launch_and_project_agree_on_torch_and_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert f"torch=={launch.TORCH}" in project["dependencies"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert launch.PYTHONS == ((3, 11), (3, 12), (3, 13))


def test_every_library_that_is_imported_is_named_by_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = {"studio", "jobs", *sys.stdlib_module_names}
    used = set().union(*(imported_packages(file) for file in SOURCES)) - own

    extras = [each for part in project["optional-dependencies"].values() for each in part]
    named = {name.replace("-", "_") for name in names_in([*project["dependencies"], *extras])}
    # The small package brings the module of the large one.
    named |= {"mlflow"} & {name.removesuffix("_skinny") for name in named}
    assert {name.lower() for name in used} - named - {"pydantic_core"} == set()


def test_what_a_person_is_told_to_install_is_what_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = {logger.name: [logger.requirement] for logger in LOGGERS.values()}

    named = {k: v for k, v in project["optional-dependencies"].items() if k != "test"}
    assert said | {"liger": [LIGER_REQUIREMENT]} == named


def names_in(requirements: list[str]) -> set[str]:
    """The packages that requirements name, in lower case."""
    return {launch.plain_name(re.split(r"[<>=!~; \[]", words)[0]) for words in requirements}
