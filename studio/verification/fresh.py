"""Verification in a fresh process: what no state of the exporting process can flatter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from studio.verification.bounds import Verdict


class FreshProcess:
    """A process that loads its libraries while an export is still being written, and judges it afterwards.

    It knows of nothing but what `verify` tells it, and ends with the process that asks.
    """

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "studio.verification"],
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def verify(self, export: Path, base_folder: Path, base_dtype: str, reference: Path) -> Verdict:
        """Judge the export in `export` by the reference in `reference` (see `reference.write_reference`).

        A process that dies is a verdict too: an export that cannot be loaded is not verified.
        """
        result = reference / "verdict.json"
        result.unlink(missing_ok=True)
        asked = [str(export), str(base_folder), base_dtype, str(reference), str(result)]
        _, complaints = self._process.communicate(json.dumps(asked))
        if self._process.returncode != 0 or not result.is_file():
            code = self._process.returncode
            last = complaints.strip().splitlines()[-1:] or [f"exit code {code}"]
            return Verdict(False, None, f"The export could not be checked: {last[0]}")
        return Verdict.from_json(json.loads(result.read_text(encoding="utf-8")))
