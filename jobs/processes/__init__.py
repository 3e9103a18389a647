"""Processes by one protocol: who they are, starting them, and leaving none behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from jobs.processes.identity import Identity
from jobs.processes.protocol import Platform

if sys.platform == "win32":
    from jobs.processes import windows

    platform: Platform = windows
elif sys.platform == "darwin":
    from jobs.processes import macos

    platform: Platform = macos
else:
    from jobs.processes import linux

    platform: Platform = linux

JOB_VARIABLE = "JOBS_JOB_ID"
DATABASE_VARIABLE = "JOBS_DATABASE"
"""Both mark a task's process and, being inherited, every process it starts."""

_GONE_S = 2.0
_LOOK_S = 0.005


def identity_of(pid: int) -> Identity | None:
    """Who process `pid` is; None where there is none, or only a dead one not yet buried."""
    start = platform.start_time(pid)
    return None if start is None else Identity(pid, start, platform.boot_id())


def myself() -> Identity:
    """This process."""
    me = identity_of(os.getpid())
    assert me is not None
    return me


def is_alive(identity: Identity) -> bool:
    """Whether this very process still lives, not another that was given its number."""
    return identity_of(identity.pid) == identity


def descendants(pid: int) -> list[Identity]:
    """All processes below `pid`, whatever session or group they put themselves into."""
    try:
        wanted = [(pid, psutil.Process(pid).create_time())]
    except psutil.Error:
        return []
    # psutil's own `children` loses those whose parent ends while it looks.
    children: dict[int, list[tuple[int, float]]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            child = process.pid, process.create_time()
            children.setdefault(process.ppid(), []).append(child)
    found = []
    while wanted:
        parent, began = wanted.pop()
        below = children.get(parent, [])
        if sys.platform == "win32":
            # A gone parent's number is kept there, and another process may have it now.
            below = [child for child in below if child[1] >= began]
        found += below
        wanted += below
    return _identities(number for number, _ in found)


def marked(job_id: int, database: str) -> list[Identity]:
    """All processes that carry this job's mark in their environment, other than this one."""
    wanted = {JOB_VARIABLE: str(job_id), DATABASE_VARIABLE: database}
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and wanted.items() <= environment.items():
            found.append(process)
    return _identities(process.pid for process in found)


def kill_all(identities: Iterable[Identity]) -> None:
    """End these very processes at once and wait until they are gone.

    None is reaped here: a return code belongs to the parent that waits for it.
    """
    killed = [identity for identity in identities if is_alive(identity)]
    for identity in killed:
        try:
            psutil.Process(identity.pid).kill()
        except psutil.NoSuchProcess:
            continue
    patience_ends = time.monotonic() + _GONE_S
    while any(map(is_alive, killed)) and time.monotonic() < patience_ends:
        time.sleep(_LOOK_S)


def kill_below(pid: int) -> None:
    """End all processes below `pid`, and those that they start meanwhile."""
    # A second look, for whom the first one passed by while they were handed from parent to parent.
    while found := descendants(pid) or descendants(pid):
        kill_all(found)


def _identities(pids: Iterable[int]) -> list[Identity]:
    identities = map(identity_of, pids)
    return [identity for identity in identities if identity is not None]
