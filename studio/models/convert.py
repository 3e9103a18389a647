"""A GGUF file becomes a plain safetensors folder that any trainer can load (torch; tasks only)."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf as gguf_library
import torch
from filelock import FileLock
from safetensors import SafetensorError
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from jobs.durable import new_folder
from studio.errors import ModelProblem
from studio.models.describe import describe
from studio.models.gguf_header import GgufHeader, read_gguf_header
from studio.models.origin import Origin, read_origin

Log = Callable[[str], None]


def convert_gguf(gguf: Path, folder: Path, *, origin: Origin | None = None, log: Log) -> None:
    """Unpack `gguf` to float32 and save model, tokenizer and chat template as `folder`.

    The folder appears whole or not at all; one that is complete already is left as it is. Raises
    ModelProblem when the file cannot be read, its architecture is unknown to transformers, or the
    disk is full.
    """
    header = read_gguf_header(gguf)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        # One at a time: what lies beside the folder under the lock is what a killed one left.
        with FileLock(folder.parent / f".{folder.name}.lock"):
            _remove_leftovers(folder)
            if folder.exists():
                return _expect_prepared(folder, log)
            _expect_room(header, folder)
            with new_folder(folder) as place:
                _save(gguf, header, place, log)
                (origin or _own_origin(gguf, header)).write(place)
                describe(place)
    except (OSError, SafetensorError) as error:
        if not _is_for_want_of_room(error):
            raise
        raise ModelProblem(_disk_full(header, folder), code="disk_full") from error
    log(f"Ready: {folder}")


def _save(gguf: Path, header: GgufHeader, place: Path, log: Log) -> None:
    started = time.monotonic()
    log(f"Reading {gguf.name} ({gguf.stat().st_size / 1e6:.0f} MB) and unpacking its weights …")
    try:
        with _once():
            tokenizer = load_tokenizer(gguf, header)
            model = load_model(gguf)
    except (ValueError, NotImplementedError, KeyError) as error:
        raise ModelProblem(
            f"{gguf.name} cannot be converted: {error}. Its architecture is "
            f"'{header.architecture}'. Choose the same model as a safetensors folder or Hub id."
        ) from error
    log(f"Unpacked in {time.monotonic() - started:.0f} s. Writing the folder …")
    model.generation_config = _generation_config(tokenizer)
    model.save_pretrained(place)
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(place)


@contextmanager
def _once() -> Iterator[None]:
    """While it lasts, a file's head is gone through once, and its table of names made once: transformers asks
    for the one with configuration, tokenizer and weights anew, for the other with each module."""
    reader, names = gguf_library.GGUFReader, gguf_library.get_tensor_name_map
    read = functools.cache(reader)
    gguf_library.GGUFReader = lambda path, *mode: read(os.fspath(path), *mode)
    gguf_library.get_tensor_name_map = functools.cache(names)
    try:
        yield
    finally:
        gguf_library.GGUFReader, gguf_library.get_tensor_name_map = reader, names


def load_model(gguf: Path) -> Any:
    """The causal language model in `gguf`, in float32, as if it had never been quantised."""
    loaded = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    # transformers 5.23 goes on calling the unpacked model quantised, and refuses to save it.
    loaded.hf_quantizer = None
    loaded.config = type(loaded.config).from_dict(_cleaned(loaded.config.to_dict()))
    return loaded


def load_tokenizer(gguf: Path, header: GgufHeader) -> Any:
    """The tokenizer in `gguf`, with the chat template it carries."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    if header.metadata.get("tokenizer.ggml.pre") == "smollm":
        # transformers knows no splitting rule by this name and takes GPT-2's. The rule is: each
        # digit stands alone, then GPT-2's. It matters where blanks or line ends precede a digit.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    for trace in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(trace, None)
    return tokenizer


def _cleaned(config: dict[str, Any]) -> dict[str, Any]:
    """`config` without traces of GGUF: quantisation, path, float32 noise in the epsilons."""
    dropped = ("quantization_config", "_model_name_or_path")
    kept = {name: value for name, value in config.items() if name not in dropped}
    for name, value in kept.items():
        if name.endswith("eps") and isinstance(value, float):
            kept[name] = float(f"{value:.6g}")
    return kept


def _generation_config(tokenizer: Any) -> GenerationConfig:
    return GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _own_origin(gguf: Path, header: GgufHeader) -> Origin:
    """The origin of a file that nobody described: its own name and licence."""
    return Origin(
        title=header.title or gguf.stem,
        source=str(gguf),
        revision="unknown",
        licence=header.licence,
    )


def _expect_prepared(folder: Path, log: Log) -> None:
    if read_origin(folder) is None:
        raise ModelProblem(f"{folder} is in the way: it is no prepared model. Move or delete it.")
    log(f"{folder} is ready already.")


def _remove_leftovers(folder: Path) -> None:
    """Delete what a killed conversion of the same model left beside `folder`."""
    for left in folder.parent.glob(f".{folder.name}.*.partial"):
        shutil.rmtree(left, ignore_errors=True)


def _expect_room(header: GgufHeader, folder: Path) -> None:
    """Raise ModelProblem when the float32 weights (4 bytes each) do not fit on the disk."""
    if shutil.disk_usage(folder.parent).free < 4 * header.parameters:
        raise ModelProblem(_disk_full(header, folder), code="disk_full")


def _is_for_want_of_room(error: Exception) -> bool:
    """Whether the disk filled up; safetensors tells it only in its words (0.8)."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOSPC
    return "No space left" in str(error)


def _disk_full(header: GgufHeader, folder: Path) -> str:
    needed = 4 * header.parameters / 1e9
    free = shutil.disk_usage(folder.parent).free / 1e9
    return (
        f"The disk is full: the converted model needs about {needed:.1f} GB, {free:.1f} GB are "
        f"free in {folder.parent}. Make room, or choose another data folder with --home DIR."
    )
