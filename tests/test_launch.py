"""launch.py from outside: real environments and a real pip, with small wheels in place of an index."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import launch
from tests.wheels import make_wheel, wheel_of_installed

LAUNCH = Path(launch.__file__)
STUDIO = """\
import os, sys
print(os.getpid(), *sys.argv[1:])
sys.exit(7 if "fail" in sys.argv else 0)
"""


@dataclass(frozen=True)
class Copy:
    """A copy of Whetstone whose libraries are small stand-ins lying in `wheels`."""

    place: launch.Place
    wheels: Path

    def environment(self, **more: str) -> dict[str, str]:
        """pip sees the wheels and nothing else."""
        ours = ("PIP_", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return {**kept, "PIP_CONFIG_FILE": os.devnull, **offline, **more}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start launch.py as a person does."""
        command = [sys.executable, str(self.place.root / "launch.py"), *arguments]
        return subprocess.Popen(
            command,
            env=self.environment(**more),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Start launch.py and wait for its end."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=240)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def module(self, name: str) -> Path:
        """The file of an installed stand-in."""
        return self.place.packages / name / "__init__.py"

    def forget(self, *names: str) -> None:
        """Leave the environment as an install that did not come to these stand-ins."""
        self.place.stamp.unlink(missing_ok=True)
        for name in names:
            for record in self.place.packages.glob(f"{name}-*.dist-info"):
                shutil.rmtree(record)


def new_copy(folder: Path) -> Copy:
    """A copy with its lock and its wheels, where nothing is installed yet."""
    copy = Copy(launch.Place(folder / "whetstone"), folder / "wheels")
    (copy.place.root / "studio").mkdir(parents=True)
    (copy.place.root / "studio" / "__init__.py").touch()
    (copy.place.root / "studio" / "__main__.py").write_text(STUDIO)
    shutil.copy(LAUNCH, copy.place.root)
    copy.wheels.mkdir()
    make_wheel(copy.wheels, "torch", f"{launch.TORCH}+cpu")
    parts = {
        "tools": wheel_of_installed(copy.wheels, "pip"),
        "base": make_wheel(copy.wheels, "pebble", "1.0") + make_wheel(copy.wheels, "flint", "2.1"),
        "test": make_wheel(copy.wheels, "anvil", "3.0"),
        "starter": make_wheel(copy.wheels, "acorn", "0.1"),
    }
    copy.place.lock.write_text("".join(f"# --- {n} ---\n{text}" for n, text in parts.items()))
    return copy


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Copy, str]]:
    """A copy that was started once, and what that start said."""
    copy = new_copy(tmp_path_factory.mktemp("launch"))
    answer = copy.run("doctor")
    assert answer.returncode == 0, answer.stderr
    yield copy, answer.stderr
    shutil.rmtree(copy.place.root)


@pytest.fixture
def installed(first_start: tuple[Copy, str]) -> Copy:
    """That copy, whole: each test mends what it breaks, or the next one does."""
    return first_start[0]


def test_the_first_start_says_what_it_does_and_how_large_it_is(
    first_start: tuple[Copy, str],
) -> None:
    copy, said = first_start

    assert str(copy.place.venv) in said
    assert "to download: about" in said
    assert "on the disk: about" in said
    assert "the studio's libraries: done" in said


def test_the_first_start_installs_every_part_but_the_tests(installed: Copy) -> None:
    found = set(launch.records(installed.place))

    assert {"pebble-1.0", "flint-2.1", "acorn-0.1", f"torch-{launch.TORCH}+cpu"} <= found
    assert "anvil-3.0" not in found


def test_what_was_installed_is_compiled(installed: Copy) -> None:
    for name in ("pebble", "acorn"):
        compiled = Path(importlib.util.cache_from_source(str(installed.module(name))))
        assert compiled.exists(), name


def test_later_starts_ask_no_installer(installed: Copy) -> None:
    installed.run("doctor")
    before = installed.place.log.stat().st_size

    answer = installed.run("doctor", PIP_FIND_LINKS="nowhere")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert installed.place.log.stat().st_size == before


def test_command_and_exit_code_pass_through(installed: Copy) -> None:
    answer = installed.run("fail", "--json", "two words")

    assert answer.stdout.split(maxsplit=1)[1] == "fail --json two words\n"
    assert answer.returncode == 7


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot put one program in another's place")
def test_the_studio_takes_launchs_place_so_that_signals_reach_it(installed: Copy) -> None:
    process = installed.start("doctor")
    out, _ = process.communicate(timeout=240)

    assert int(out.split()[0]) == process.pid


def test_a_half_written_package_is_mended_by_the_next_start(installed: Copy) -> None:
    whole = installed.module("pebble").read_bytes()
    installed.forget()
    installed.module("pebble").write_bytes(whole[:5])
    (installed.place.packages / "flint-2.1.dist-info" / "RECORD").unlink()

    answer = installed.run("doctor")

    assert answer.returncode == 0
    assert "not whole, and installed again: flint-2.1, pebble-1.0" in answer.stderr
    assert installed.module("pebble").read_bytes() == whole


def test_a_package_that_was_taken_away_is_brought_back(installed: Copy) -> None:
    shutil.rmtree(installed.place.packages / "flint-2.1.dist-info")
    shutil.rmtree(installed.place.packages / "flint")

    assert installed.run("doctor").returncode == 0
    assert installed.module("flint").exists()


@pytest.mark.long
def test_an_environment_whose_python_is_gone_is_made_anew(installed: Copy) -> None:
    installed.place.python.unlink()

    assert installed.run("doctor").returncode == 0
    assert installed.module("acorn").exists()


def test_a_new_lock_is_installed_at_the_next_start(installed: Copy) -> None:
    newer = make_wheel(installed.wheels, "pebble", "1.1")
    text = installed.place.lock.read_text()
    old = text[text.index("pebble==") : text.index("flint==")]
    installed.place.lock.write_text(text.replace(old, newer))

    assert installed.run("doctor").returncode == 0
    assert "pebble-1.1" in launch.records(installed.place)
    assert "pebble-1.0" not in launch.records(installed.place)


def test_two_starts_at_once_install_one_after_the_other(installed: Copy) -> None:
    installed.forget()
    both = [installed.start("doctor") for _ in range(2)]

    said = [process.communicate(timeout=240)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sum("Bringing" in words for words in said) == 1


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX affair")
def test_a_start_killed_in_the_middle_is_finished_by_the_next(installed: Copy) -> None:
    installed.forget("acorn")
    killed = installed.start("doctor")
    assert killed.stderr is not None
    killed.stderr.readline()
    killed.kill()
    killed.communicate()

    assert not installed.place.stamp.exists()
    assert installed.run("doctor").returncode == 0
    assert "acorn-0.1" in launch.records(installed.place)


def test_without_a_network_the_missing_package_is_named(installed: Copy) -> None:
    installed.forget("flint", "pebble")
    nowhere = {"PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:9/"}
    answer = installed.run("doctor", "--json", **nowhere)

    error = json.loads(answer.stdout)["error"]
    assert answer.returncode == 1
    assert error["code"] == "install"
    assert "Missing: pebble" in error["words"]
    assert "Also missing: flint 2.1" in error["words"]
    assert error["words"] in answer.stderr


def test_a_file_that_is_not_the_locked_one_is_refused(installed: Copy) -> None:
    genuine = (installed.wheels / "flint-2.1-py3-none-any.whl").read_bytes()
    installed.forget("flint")
    make_wheel(installed.wheels, "flint", "2.1", module="evil = True\n")

    answer = installed.run("doctor")
    (installed.wheels / "flint-2.1-py3-none-any.whl").write_bytes(genuine)

    assert answer.returncode == 1
    assert "is not the one that was locked" in answer.stderr


def test_tests_need_their_own_part_and_leave_the_rest(installed: Copy) -> None:
    (installed.place.root / "tests").mkdir()
    (installed.place.root / "tests" / "__main__.py").write_text(STUDIO)

    answer = installed.run("test", "--long")

    assert answer.stdout.endswith(" --long\n")
    assert "anvil-3.0" in launch.records(installed.place)
    assert launch.is_ready(installed.place, launch.STUDIO_PARTS)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    copy = new_copy(tmp_path)
    copy.place.venv.write_text("a file where a folder should be")

    answer = copy.run("doctor")

    assert answer.returncode == 1
    assert f"{copy.place.venv} cannot be written to" in answer.stderr


def test_too_little_room_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "NEEDED_BYTES", 10**18)

    with pytest.raises(launch.Stop, match="GB are needed"):
        launch.announce(launch.Place(tmp_path))


def test_a_copy_without_its_lock_is_called_incomplete(tmp_path: Path) -> None:
    copy = new_copy(tmp_path)
    copy.place.lock.write_text("# --- base ---\n")

    assert "requirements.lock is not whole" in copy.run("doctor").stderr


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 14), (4, 0)])
def test_a_python_too_old_or_too_new_is_refused_in_plain_words(version: tuple[int, int]) -> None:
    with pytest.raises(launch.Stop, match=f"this is Python {version[0]}.{version[1]}"):
        launch.check_python(version)


@pytest.mark.parametrize("version", launch.PYTHONS)
def test_the_promised_pythons_are_taken(version: tuple[int, int]) -> None:
    launch.check_python(version)


FILE = "file:///wheels/torch-2.13.0"
WEB = "https://index.example/torch-2.13.0"
CPU = "%2Bcpu-cp311-cp311-linux_x86_64.whl"
CUDA = "%2Bcu130-cp311-cp311-linux_x86_64.whl"
BARE = "-cp311-cp311-some_system.whl"


@pytest.mark.parametrize(
    ("offer", "platform", "graphics_card", "taken"),
    [
        (FILE + CPU, "linux", False, True),
        (FILE + CPU, "linux", True, False),
        (FILE + CUDA, "linux", True, True),
        (WEB + CPU, "linux", False, True),
        (WEB + BARE, "linux", False, False),
        (WEB + BARE, "linux", True, False),
        (WEB + BARE, "darwin", False, True),
        (WEB + BARE, "win32", False, True),
        (WEB + BARE, "win32", True, False),
        ("", "linux", False, False),
    ],
)
def test_pips_torch_is_taken_where_it_fits_and_is_small(
    offer: str, platform: str, graphics_card: bool, taken: bool
) -> None:
    assert launch.suits(offer, platform, graphics_card) is taken


def test_a_full_disk_is_called_that() -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"

    words = launch.pip_trouble(said, "the studio's libraries", [], Path("install.log"))

    assert words.startswith("The disk is full while installing the studio's libraries.")


def test_progress_tells_what_is_fetched_and_how_much_of_it() -> None:
    said = "Collecting pebble==1.0\n" + "Processing ./wheels/torch-2.13.0-cp311.whl\n"
    said += "Progress 20000000 of 190000000\nProgress 60000000 of 190000000\n"

    assert launch.progress_words(said, 0, 9) == "fetching torch (2 of 9), 60 of 190 MB"
    assert launch.progress_words(said, 0, 1) == "fetching torch, 60 of 190 MB"
    assert launch.progress_words(said + "Installing collected packages: a\n", 3, 9) == (
        "unpacking, 3 of 9 packages in place"
    )
