"""Every card: it says what to do, and a line as libraries really write it leads to it."""

from __future__ import annotations

import re

import pytest

from studio.failures import diagnose
from studio.failures.cards import CARDS

# What the libraries and systems say, a line a card that is recognised by its line.
SAID = {
    "gpu_memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    "memory": "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't "
    "allocate memory: you tried to allocate 512000 bytes. Error code 12 (Cannot allocate memory)",
    "shared_memory": "RuntimeError: unable to mmap 4096 bytes from file </torch_1>: Cannot allocate memory",
    "killed": "The system ended the task's process (SIGKILL).",
    "disk_full": "OSError: [Errno 28] No space left on device: '/data/runs/7/adapter'",
    "read_only": "OSError: [Errno 30] Read-only file system: '/media/stick/studio.db'",
    "not_allowed": "PermissionError: [Errno 13] Permission denied: '/data/models'",
    "in_use": "OSError: [WinError 32] The process cannot access the file because it is being used by "
    "another process",
    "file_missing": "FileNotFoundError: [Errno 2] No such file or directory: '/data/rows.csv'",
    "too_many_files": "OSError: [Errno 24] Too many open files: '/data/log.txt'",
    "cannot_start": "BlockingIOError: [Errno 11] Resource temporarily unavailable",
    "not_finite": "The numbers broke down at step 12 (the loss is nan, the gradient's size 3.0).",
    "token_beyond_vocabulary": "IndexError: index out of range in self",
    "dataset_changed": "The kept dataset 1a2b was changed on disk.",
    "encoding": "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xfc in position 3",
    "model_changed": "The model in /m was changed since the training was queued.",
    "gated": "huggingface_hub.errors.GatedRepoError: 403 Client Error. Access to model x/y is restricted",
    "model_not_found": "huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error.",
    "model_damaged": "safetensors_rust.SafetensorError: Error while deserializing header: "
    "MetadataIncompleteBuffer",
    "model_unknown": "ValueError: The checkpoint you are trying to load has model type `foo` but "
    "Transformers does not recognize this architecture.",
    "tokenizer": "OSError: Can't load tokenizer for '/m'.",
    "shapes": "RuntimeError: Error(s) in loading state_dict: size mismatch for lm_head.weight",
    "offline": "httpx.ConnectError: [Errno -2] Name or service not known",
    "certificate": "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify "
    "failed",
    "hub": "HfHubHTTPError: 503 Server Error: Service Unavailable",
    "driver_too_old": "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",
    "card_too_old": "torch.AcceleratorError: CUDA error: no kernel image is available for execution",
    "card_lost": "torch.AcceleratorError: CUDA error: unspecified launch failure",
    "no_card": "AssertionError: Torch not compiled with CUDA enabled",
    "ranks": "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1970",
    "port": "torch.distributed.DistNetworkError: The server socket has failed to listen (errno: 98 - "
    "Address already in use).",
    "library_missing": "ModuleNotFoundError: No module named 'bitsandbytes'",
    "library_broken": "ImportError: /lib/libc.so.6: version `GLIBC_2.34' not found",
    "method": "ValueError: Target modules {'q_proj'} not found in the base model.",
    "crashed_below": "Fatal Python error: Segmentation fault",
}
TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 3, in train\n{}\n'


def test_there_are_cards_for_the_thirty_commonest_causes_and_more() -> None:
    assert len(CARDS) >= 30


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.code)
def test_a_card_says_what_happened_and_what_to_do(card: object) -> None:
    assert isinstance(card, type(next(iter(CARDS.values()))))
    assert card.cause.endswith(".")
    assert card.remedy.words.endswith(".")
    assert not card.title.endswith(".")
    assert card.remedy.label
    assert card.codes or card.pattern
    assert bool(card.remedy.page) == (card.remedy.verb == "open")
    re.compile(card.pattern)


def test_every_card_that_is_known_by_a_line_has_one_here() -> None:
    assert {code for code, card in CARDS.items() if card.pattern} == set(SAID)


@pytest.mark.parametrize(("code", "line"), SAID.items(), ids=SAID)
def test_what_libraries_say_leads_to_the_card_and_is_its_proof(code: str, line: str) -> None:
    log = "Step 3/9  loss 2.1\n" + TRACEBACK.format(line)

    found = diagnose("crash", line, log)

    assert (found.code, found.line) == (code, line)


def test_no_code_means_two_families() -> None:
    meant = [code for card in CARDS.values() for code in card.codes]

    assert {code for code in meant if meant.count(code) > 1} == {"out_of_memory"}
