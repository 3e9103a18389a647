"""The recipes: how each rival of the training benchmark gets an environment of its own, once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

# What plain pip makes of these on the day they were pinned; transformers' Trainer runs in ours.
PACKAGES: dict[str, tuple[str, ...]] = {
    "trl": ("trl==1.16.0", "transformers==5.23.0", "peft==0.21.2"),
    "llamafactory": ("llamafactory==0.9.5",),
}
# PyPI's torchvision and torchaudio are built for CUDA and do not load beside a torch for the CPU.
# LLaMA-Factory works without torchvision, but imports torchaudio by name.
UNLOADABLE = ("torchvision", "torchaudio")


def python_of(name: str, folder: Path) -> Path:
    """The Python of a rival's environment below `folder`, made where it is not there yet."""
    if name not in PACKAGES:
        return Path(sys.executable)
    home = folder / name
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = home / "made-of.txt"
    wanted = "\n".join((f"torch=={version('torch').partition('+')[0]}", *PACKAGES[name]))
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Making the environment of {name} in {home} …", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        torch, *packages = wanted.split("\n")
        # torch first and again: a resolver left alone would take a build for CUDA.
        _pip(python, "install", torch)
        _pip(python, "install", torch, *packages)
        if name == "llamafactory":
            _pip(python, "uninstall", "--yes", *UNLOADABLE)
            _stub(python, "torchaudio")
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _pip(python: Path, *arguments: str) -> None:
    subprocess.run([str(python), "-m", "pip", *arguments, "--quiet"], check=True)


def _stub(python: Path, name: str) -> None:
    """An empty module of that name: enough for an import at the top of a file."""
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    answer = subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
    (Path(answer) / f"{name}.py").write_text("", encoding="utf-8")


def main(names: Sequence[str]) -> None:
    """Make the environments named, or all."""
    folder = Path(".benchmarks") / "rivals"
    for name in names or PACKAGES:
        print(python_of(name, folder.resolve()))


if __name__ == "__main__":
    main(sys.argv[1:])
