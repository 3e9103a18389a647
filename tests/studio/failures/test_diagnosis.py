"""From an error and its log to a card: real errors, raised here."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.failures import diagnose

SPEC = {"training": {"batch_size": 4, "gradient_accumulation": 1, "learning_rate": 0.001}}


def log_of(break_down: Callable[[], Any]) -> tuple[str, str]:
    """The words and the log that the task process would leave of a mistake."""
    try:
        break_down()
    except Exception as error:  # noqa: BLE001 - as the task process does
        return f"{type(error).__name__}: {error}", traceback.format_exc()
    raise AssertionError("it did not break down")


def read_latin(folder: Path) -> None:
    (folder / "rows.csv").write_bytes("Grüße".encode("latin-1"))
    (folder / "rows.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "break_down"),
    [
        ("file_missing", lambda folder: (folder / "no.csv").open()),
        ("library_missing", lambda folder: importlib.import_module("no_such_library")),
        ("memory", lambda folder: bytearray(2**62)),
        ("encoding", read_latin),
    ],
)
def test_real_errors_lead_to_their_cards(
    tmp_path: Path, code: str, break_down: Callable[[Path], Any]
) -> None:
    words, log = log_of(lambda: break_down(tmp_path))

    assert diagnose("crash", words, log).code == code


def test_an_error_of_torch_leads_to_its_card() -> None:
    import torch

    too_large = log_of(lambda: torch.empty(2**60, dtype=torch.uint8))
    beyond = log_of(lambda: torch.nn.Embedding(3, 2)(torch.tensor([7])))

    assert diagnose("crash", *too_large).code == "memory"
    assert diagnose("crash", *beyond).code == "token_beyond_vocabulary"


def test_a_damaged_file_of_weights_leads_to_its_card(tmp_path: Path) -> None:
    from safetensors import safe_open

    (tmp_path / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    words, log = log_of(lambda: safe_open(tmp_path / "model.safetensors", "pt"))

    assert diagnose("crash", words, log).code == "model_damaged"


def test_a_code_with_a_meaning_decides_and_the_log_only_proves() -> None:
    found = diagnose("gated", "The model asks for consent.", "ConnectionError: no answer")

    assert (found.code, found.line) == ("gated", "The model asks for consent.")


def test_out_of_memory_names_the_card_where_the_log_does() -> None:
    on_card = diagnose("out_of_memory", "The memory ran out.", "CUDA out of memory. Tried 2 GiB")

    assert on_card.code == "gpu_memory"
    assert diagnose("out_of_memory", "The memory ran out.").code == "memory"


def test_the_last_telling_line_counts() -> None:
    log = "PermissionError: once\nModuleNotFoundError: No module named 'x'"

    assert diagnose("crash", None, log).code == "library_missing"


def test_what_nobody_foresaw_is_said_to_be_so_with_its_line() -> None:
    found = diagnose("crash", "ValueError: the sum is off", "ValueError: the sum is off")

    assert (found.code, found.verb, found.line) == (
        "unknown",
        "retry",
        "ValueError: the sum is off",
    )


def test_a_long_line_is_cut() -> None:
    assert len(diagnose("crash", "KeyError: " + "x" * 9999).line) == 400


def test_a_remedy_that_has_nothing_left_to_change_has_no_click() -> None:
    short = {"training": {"batch_size": 1, "max_length": 32}}

    assert diagnose("out_of_memory", "", spec=SPEC).verb == "change"
    assert diagnose("out_of_memory", "", spec=short).verb is None


def test_without_a_spec_nothing_is_changed_by_a_click() -> None:
    assert diagnose("not_finite", "").verb is None
