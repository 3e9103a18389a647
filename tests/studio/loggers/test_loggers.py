"""The loggers: each writes what its own program reads back; a missing one is said in words."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.errors import AskedWrongly
from studio.loggers import LOGGERS, Logger, LoggerSettings
from studio.spec import LoggerChoice, TrainSpec
from studio.spec.installed import require_installed
from studio.training.sinks import Sinks

ABOUT = {"base": "Tiny", "training": {"epochs": 2, "max_steps": None}}


def choice(name: str) -> LoggerChoice:
    return LoggerChoice(name, LOGGERS[name].settings())


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = Logger(
        "far", "Far", "Away.", "no_such_package", "far>=1", LoggerSettings, lambda *_: None
    )  # type: ignore[arg-type, return-value]
    monkeypatch.setitem(LOGGERS, "far", logger)

    with pytest.raises(AskedWrongly, match=r'Far is not installed here.*-m pip install "far>=1"'):
        require_installed([choice("far")])


def test_a_folder_of_the_package_s_name_is_not_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no_such_package").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    logger = Logger("x", "X", "X.", "no_such_package", "x", LoggerSettings, lambda *_: None)  # type: ignore[arg-type, return-value]
    assert not logger.is_installed


def test_the_spec_takes_names_and_settings_and_names_what_it_does_not_know() -> None:
    document = {"loggers": ["tensorboard", {"name": "wandb", "project": "bikes"}]}
    spec = TrainSpec.parse(document)

    assert [each.name for each in spec.loggers] == ["tensorboard", "wandb"]
    assert spec.to_json()["loggers"][1] == {
        "name": "wandb",
        "mode": "offline",
        "project": "bikes",
    }
    assert TrainSpec.parse(spec.to_json()) == spec
    for wrong in (
        "tensorboard",
        ["tensorbord"],
        ["trackio", "trackio"],
        [{"name": "wandb", "x": 1}],
    ):
        with pytest.raises(AskedWrongly) as caught:
            TrainSpec.parse({"loggers": wrong})
        assert caught.value.fields[0].field.startswith("loggers")


def test_nothing_is_logged_elsewhere_by_default() -> None:
    assert TrainSpec.parse({}).loggers == ()
    assert LOGGERS["wandb"].settings().mode == "offline"
    assert LOGGERS["mlflow"].settings().tracking_uri is None


def read_tensorboard(folder: Path) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


def read_wandb(folder: Path) -> list[tuple[int, float]]:
    from wandb.proto.wandb_internal_pb2 import Record

    found = []
    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for content in small_leveldb_records(file.read_bytes()):
            record = Record()
            record.ParseFromString(content)
            if record.HasField("history"):
                values = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json)
                    for item in record.history.item
                }
                found.append((values["_step"], values["loss"]))
    return found


def small_leveldb_records(content: bytes) -> Iterator[bytes]:
    """The records of a log in LevelDB's format below one block of 32 kB, after W&B's own 7 bytes."""
    place = 7
    while place + 7 <= min(len(content), 32_768):
        length = int.from_bytes(content[place + 4 : place + 6], "little")
        yield content[place + 7 : place + 7 + length]
        place += 7 + length


def read_mlflow(folder: Path) -> list[tuple[int, float]]:
    with sqlite3.connect(folder / "mlflow.db") as database:
        return list(
            database.execute("SELECT step, value FROM metrics WHERE key = 'loss' ORDER BY 1")
        )


def read_trackio(folder: Path) -> list[tuple[int, float]]:
    from trackio.sqlite_storage import SQLiteStorage

    return [
        (line["step"], line["loss"]) for line in SQLiteStorage.get_logs("whetstone", "Tiny (7)")
    ]


READERS = {
    "tensorboard": read_tensorboard,
    "wandb": read_wandb,
    "mlflow": read_mlflow,
    "trackio": read_trackio,
}


def test_every_logger_is_read_back_by_a_test() -> None:
    assert READERS.keys() == LOGGERS.keys()


@pytest.mark.parametrize("name", sorted(READERS))
def test_its_own_program_reads_back_both_attempts_and_no_byte_leaves_the_machine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not LOGGERS[name].is_installed:
        pytest.skip(f"{LOGGERS[name].title} is an extra that is not installed here")
    asked: list[Any] = []
    original = socket.getaddrinfo

    def lookup(host: Any, *more: Any, **options: Any) -> Any:
        if host not in ("localhost", "127.0.0.1", None):
            asked.append(host)
        return original(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    for steps in ((1, 2), (3,)):
        opened = Sinks.open([choice(name)], tmp_path, "Tiny (7)", ABOUT, print)
        for step in steps:
            opened.log(step, {"loss": 4.0 - step})
        opened.close(succeeded=True)

    assert READERS[name](tmp_path / "loggers" / name) == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert asked == []
