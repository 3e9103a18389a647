"""The worker process: what it writes where, and when it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from studio.worker.protocol import Answer, Request


def start(home: Path, *options: str) -> subprocess.Popen[bytes]:
    """A worker, asked through its pipes."""
    command = [sys.executable, "-m", "studio.worker.service", "--home", str(home), *options]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def test_answers_alone_go_to_standard_output() -> None:
    code = (
        "import os\nfrom studio.worker.service import own_output\n"
        "answers = own_output()\nprint('noise', flush=True)\nos.write(1, b'more noise')\n"
        "answers.write(b'answer')\nanswers.flush()\n"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert found.stdout == b"answer"
    assert found.stderr.replace(b"\r\n", b"\n") == b"noise\nmore noise"


def test_a_worker_ends_when_its_input_does(tmp_path: Path) -> None:
    """Its parent holds the other end: it ends with the parent, even before it has begun to work."""
    with start(tmp_path, "--role", "model") as process:
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(60) == 0


def test_a_chat_worker_leaves_when_nobody_asks(tmp_path: Path) -> None:
    with start(tmp_path, "--role", "chat", "--idle-s", "0.1") as process:
        assert process.wait(120) == 0


def test_nonsense_and_unknown_kinds_are_answered_and_the_next_request_too(tmp_path: Path) -> None:
    lines = [
        b"nonsense\n",
        Request(1, "sing", {}).to_line(),
        Request(2, "describe", {"wrong": "argument"}).to_line(),
        Request(3, "describe", {"source": "no such model", "revision": None}).to_line(),
    ]
    with start(tmp_path, "--role", "model") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.writelines(lines)
        process.stdin.flush()
        answers = [Answer(**json.loads(process.stdout.readline())) for _ in range(3)]
        process.stdin.close()

    codes = [answer.error["code"] if answer.error else None for answer in answers]
    assert codes == ["unknown_kind", "crash", "model"]
