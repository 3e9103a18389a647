"""Verification in a fresh process: what no state of the exporting process can flatter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from studio.verification.bounds import Verdict


def verify(export: Path, base_folder: Path, base_dtype: str, reference: Path) -> Verdict:
    """Judge the export in `export` by the reference in `reference` (see `reference.write_reference`).

    A process that dies is a verdict too: an export that cannot be loaded is not verified.
    """
    result = reference / "verdict.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "studio.verification"]
    command += [str(export), str(base_folder), base_dtype, str(reference), str(result)]
    done = subprocess.run(
        command,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not result.is_file():
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return Verdict(False, None, f"The export could not be checked: {last[0]}")
    return Verdict.from_json(json.loads(result.read_text(encoding="utf-8")))
