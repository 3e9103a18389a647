"""Small wheels made on the spot, so that installing can be tested without a network."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import zipfile
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, module: str = "") -> str:
    """A wheel with one module; gives its line of a lock file."""
    record = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}/__init__.py": module.encode() or f'"""A stand-in for {name}."""\n'.encode(),
        f"{record}/METADATA": about.encode(),
        f"{record}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    return _write(folder, name, version, files)


def wheel_of_installed(folder: Path, name: str) -> str:
    """The wheel that an installed package came from, packed anew; gives its line of a lock file."""
    installed = importlib.metadata.distribution(name)
    kept = [
        path
        for path in installed.files or []
        if ".." not in path.parts
        and path.suffix != ".pyc"
        and path.name not in ("RECORD", "direct_url.json")
    ]
    files = {path.as_posix(): Path(str(path.locate())).read_bytes() for path in kept}
    return _write(folder, name, installed.version, files)


def _write(folder: Path, name: str, version: str, files: dict[str, bytes]) -> str:
    record = f"{name}-{version}.dist-info/RECORD"
    rows = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={version} \\\n    --hash=sha256:{digest}\n"


def _digest(content: bytes) -> str:
    """A file's digest as a wheel's record writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
