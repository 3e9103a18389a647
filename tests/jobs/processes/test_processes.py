"""The contract of every platform's processes, run on the one that the tests run on."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from subprocess import Popen
from types import SimpleNamespace

import psutil
import pytest

from jobs import processes
from jobs.processes import platform
from jobs.processes.identity import Identity
from jobs.programs import environment
from tests.jobs.queues import until

SLEEP = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def python(code: str, **options: object) -> Popen[bytes]:
    return Popen([sys.executable, "-c", code], env=environment(), **options)  # type: ignore[call-overload,no-any-return]


def parent_of(child: str, note: Path, *, options: str = "") -> str:
    """Code of a process that starts `child`, writes down its number, and stays."""
    return (
        f"import subprocess, sys, pathlib; child = subprocess.Popen([sys.executable, '-c', {child!r}]"
        f"{options}); pathlib.Path({str(note)!r}).write_text(str(child.pid)); {SLEEP}"
    )


def noted(note: Path) -> Identity:
    """The process whose number was written to `note`."""
    until(lambda: note.exists() and note.read_text())
    found = processes.identity_of(int(note.read_text()))
    assert found is not None
    return found


def test_a_process_is_known_by_more_than_its_number() -> None:
    me = processes.myself()
    assert processes.is_alive(me)
    assert not processes.is_alive(replace(me, start=me.start - 1))
    assert not processes.is_alive(replace(me, boot_id="another boot"))


def test_two_processes_started_one_after_the_other_differ() -> None:
    with python(SLEEP) as first, python(SLEEP) as second:
        identities = {processes.identity_of(first.pid), processes.identity_of(second.pid)}
        assert len(identities - {None}) == 2
        first.kill()
        second.kill()


def test_a_dead_process_is_dead_even_before_its_parent_has_asked() -> None:
    process = python("pass")
    identity = processes.identity_of(process.pid)
    until(lambda: processes.identity_of(process.pid) is None)
    assert identity is None or not processes.is_alive(identity)
    process.wait()


def test_a_number_that_was_never_given_is_nobody() -> None:
    assert processes.identity_of(2**22 + 7) is None


def test_a_detached_process_outlives_its_starter_and_writes_to_its_log(tmp_path: Path) -> None:
    log, note = tmp_path / "log", tmp_path / "note"
    child = (
        "import os; print('here', flush=True);"
        f"open({str(note)!r}, 'w').write(str(os.getpid())); {SLEEP}"
    )
    starter = (
        "import os, sys; from pathlib import Path; from jobs.processes import platform;"
        f"platform.start_detached([sys.executable, '-c', {child!r}], os.environ, Path({str(log)!r}),"
        f" Path({str(tmp_path)!r})); os._exit(0)"
    )
    python(starter).wait()
    detached = noted(note)
    assert log.read_text() == "here\n"
    processes.kill_all([detached])
    assert not processes.is_alive(detached)


def test_descendants_are_found_whatever_session_they_are_in(tmp_path: Path) -> None:
    code = parent_of(SLEEP, tmp_path / "note", options=", start_new_session=True")
    with python(code) as parent:
        child = noted(tmp_path / "note")
        assert child in processes.descendants(parent.pid)
        parent.kill()
    processes.kill_all([child])


def test_killing_below_leaves_nobody_even_of_those_that_are_deaf(tmp_path: Path) -> None:
    note = tmp_path / "note"
    with python(parent_of(DEAF, note, options=", start_new_session=True")) as parent:
        child = noted(note)
        processes.kill_below(parent.pid)
        assert not processes.is_alive(child)
        parent.kill()


def test_a_process_given_the_number_of_another_is_not_killed_in_its_place() -> None:
    with python(SLEEP) as process:
        identity = processes.identity_of(process.pid)
        assert identity is not None
        processes.kill_all([replace(identity, start=identity.start - 1)])
        assert processes.is_alive(identity)
        process.kill()


def test_processes_are_found_by_the_mark_of_their_job(tmp_path: Path) -> None:
    marks = {"JOBS_JOB_ID": "7", "JOBS_DATABASE": str(tmp_path)}
    with Popen([sys.executable, "-c", SLEEP], env={**environment(), **marks}) as process:
        until(lambda: processes.marked(7, str(tmp_path)))
        assert [found.pid for found in processes.marked(7, str(tmp_path))] == [process.pid]
        assert processes.marked(8, str(tmp_path)) == []
        process.kill()


def test_a_child_that_asked_for_it_dies_with_its_parent(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    child = (
        "import os, pathlib; from jobs.processes import platform;"
        f"platform.die_with_parent(os.getppid()); pathlib.Path({str(asked)!r}).touch(); {SLEEP}"
    )
    with python(parent_of(child, tmp_path / "note")) as parent:
        identity = noted(tmp_path / "note")
        until(asked.exists)
        parent.kill()
    until(lambda: not processes.is_alive(identity))


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    code = f"from jobs.processes import platform; platform.die_with_parent(2**22 + 7); {SLEEP}"
    assert python(code).wait(20) == 1


def test_a_process_that_is_asked_to_stop_is_told_and_goes_on(tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path; from jobs.processes import platform; asked = [];"
        f"platform.on_stop_asked(Path({str(tmp_path)!r}), lambda: asked.append(1));"
        "print('ready', flush=True)\nwhile not asked: time.sleep(0.01)\nraise SystemExit(5)"
    )
    with python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        platform.ask_to_stop(process.pid, tmp_path)
        assert process.wait(20) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no signal")
def test_a_return_code_tells_whether_a_signal_ended_the_process() -> None:
    process = python(SLEEP)
    process.kill()
    assert platform.killed_by(process.wait()) == "SIGKILL"
    assert platform.killed_by(0) is None
    assert platform.killed_by(1) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has child subreapers")
def test_on_linux_an_orphan_is_found_below_the_process_that_adopts(tmp_path: Path) -> None:
    note = tmp_path / "note"
    short_lived = parent_of(SLEEP, note).removesuffix(SLEEP)
    adopter = (
        "import subprocess, sys; from jobs.processes import platform; platform.adopt_orphans();"
        f"subprocess.run([sys.executable, '-c', {short_lived!r}]); {SLEEP}"
    )
    with python(adopter) as process:
        orphan = noted(note)
        until(lambda: orphan in processes.descendants(process.pid))
        processes.kill_below(process.pid)
        assert not processes.is_alive(orphan)
        process.kill()


def test_a_child_whose_parent_ends_during_the_look_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, gone = psutil.Process().create_time(), 2**22 + 7
    with python(SLEEP) as child:
        seen = [(gone, os.getpid(), began + 1), (child.pid, gone, began + 2)]
        table = [
            SimpleNamespace(pid=pid, ppid=partial(int, parent), create_time=partial(float, time))
            for pid, parent, time in seen
        ]
        monkeypatch.setattr("psutil.process_iter", lambda *_: table)

        assert processes.descendants(os.getpid()) == [processes.identity_of(child.pid)]
        child.kill()


def test_a_process_can_yield_to_others() -> None:
    code = "from jobs.processes import platform; import psutil; platform.yield_to_others();" + (
        "print(psutil.Process().nice())"
    )
    answer = python(code, stdout=subprocess.PIPE).communicate()[0]
    assert int(answer) != os.nice(0) if sys.platform != "win32" else int(answer)


def test_keeping_the_machine_awake_is_asked_for_where_it_can_be() -> None:
    code = "from jobs.processes import platform; platform.keep_awake()"
    assert python(code).wait(40) == 0


INHIBIT = """#!/bin/sh
for last; do :; done
echo $$ "$@" > {said}.new && mv {said}.new {said}
exec "$last"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="systemd's login service is Linux's")
def test_the_machine_is_kept_awake_until_the_one_who_asked_is_gone_even_by_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, stand_in = tmp_path / "said", tmp_path / "systemd-inhibit"
    stand_in.write_text(INHIBIT.format(said=said))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    code = "import time; from jobs.processes import platform; platform.keep_awake(); time.sleep(60)"
    process = python(code)
    until(said.exists)
    pid, *options = said.read_text().split()
    assert "--what=idle:sleep" in options
    assert "--mode=block" in options
    holder = processes.identity_of(int(pid))
    assert holder is not None
    assert holder in processes.descendants(process.pid)
    process.kill()
    process.wait()
    until(lambda: not processes.is_alive(holder))
