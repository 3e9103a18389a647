"""Compiling a model's layers: where it can be done, and whether it pays for this run, tried on its own rows."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from jobs.durable import write_json
from studio import libraries
from studio.training import step
from studio.training.batching import Batch
from studio.training.fused import fuse, unfuse
from studio.training.loop import Setup, batches_of, plan
from studio.training.losses import loss_of
from studio.training.randomness import random_states, restore_random_states

_COMPILERS = ("c++", "g++", "clang++", "cl")
_STEPS_TIMED = 3
# Compiling takes a minute or two. `auto` tries it only where that is a few per cent of the run, and
# keeps it only where it is clearly quicker.
_LONG_S, _GAIN = 1800.0, 0.97


def settle(setup: Setup, kept: Path, on_words: Callable[[str], None]) -> bool:
    """Compile the model where the spec asks for it and it can be done; gives whether it is compiled.

    What `auto` found out lies in the file `kept`, so that a resumed run does the same. Where compiling
    fails, the model is as it was, and `on_words` is told why.
    """
    choice = setup.spec.training.compile
    if choice == "off" or (choice == "auto" and setup.device.type == "cpu"):
        return False
    words = hindrance(setup)
    if words is None and choice == "auto" and kept.exists():
        if not json.loads(kept.read_text(encoding="utf-8"))["compiles"]:
            return False
        choice = "on"
    if words is not None:
        if choice == "on":
            on_words(f"The model is not compiled: {words}. The training goes on without.")
        return False
    try:
        compiles = _tried(setup, on_words) if choice == "auto" else _compiled(setup)
    except (RuntimeError, OSError, NotImplementedError) as error:
        _undo(setup.model)
        on_words(
            f"The model could not be compiled ({_first_line(error)}). The training goes on without."
        )
        compiles = False
    if setup.spec.training.compile == "auto":
        write_json(kept, {"compiles": compiles})
    return compiles


def hindrance(setup: Setup) -> str | None:
    """What stands against compiling this run, in words; None where nothing does."""
    if setup.device.type == "cuda" and importlib.util.find_spec("triton") is None:
        return "the package triton is not installed"
    named = [name for name in (os.environ.get("CXX"), *_COMPILERS) if name]
    if not any(map(shutil.which, named)):
        return "there is no C++ compiler on this machine"
    if setup.spec.training.recomputed_share:
        return "intermediate results are computed twice (gradient_checkpointing)"
    if setup.spec.training.offload != "none":
        return "frozen layers may wait in the main memory (offload)"
    if setup.spec.training.kernels != "own":
        return "other kernels take the place of compiled ones (kernels)"
    if setup.lower is not None:
        return "the untrained lower layers are left out"
    if setup.ranks.count > 1 or setup.is_sharded:
        return "several processes train together"
    return None


def compile_layers(model: nn.Module) -> int:
    """Let every layer of the model's stacks be compiled when it is first called; gives how many there are."""
    from torch._inductor import config  # takes a second, and few runs need it

    os.environ.pop(libraries.UNCOMPILED, None)
    torch._dynamo.config.disable = False
    # Processes of its own would outlast the first step for nothing.
    config.compile_threads = 1
    layers = list(_layers(model))
    for layer in layers:
        layer.compile(dynamic=True)
    return len(layers)


def _layers(model: nn.Module) -> Iterator[nn.Module]:
    """The modules of every outermost list of modules of one class."""
    for child in model.children():
        if isinstance(child, nn.ModuleList) and len({type(each) for each in child}) == 1:
            yield from child
        else:
            yield from _layers(child)


def _compiled(setup: Setup) -> bool:
    """Compile, and see one step through, so that what fails, fails here."""
    # The compiler joins small operations by itself; ours are different in each layer to it.
    unfuse(setup.model)
    if not compile_layers(setup.model):
        raise NotImplementedError("the model has no stack of layers")
    _seconds(setup, _first_batches(setup)[:1])
    return True


def _tried(setup: Setup, on_words: Callable[[str], None]) -> bool:
    """Compile where a run is long enough, and keep it where its steps are quicker."""
    batches = _first_batches(setup)
    _seconds(setup, batches[:1])
    plain = _seconds(setup, batches)
    if plain * plan(setup).total_steps < _LONG_S:
        return False
    began = time.monotonic()
    _compiled(setup)
    taken = time.monotonic() - began
    compiled = _seconds(setup, batches)
    pays = compiled < _GAIN * plain
    on_words(
        f"Compiling took {taken:.0f} s; a batch takes {compiled * 1e3:.0f} ms compiled and "
        f"{plain * 1e3:.0f} ms as it was: {'kept' if pays else 'not kept'}."
    )
    if not pays:
        _undo(setup.model)
    return pays


def _first_batches(setup: Setup) -> Sequence[Batch]:
    """Some of the batches that the run begins with."""
    schedule = plan(setup)
    rows = [
        setup.training[row]
        for number in range(min(_STEPS_TIMED, schedule.total_steps))
        for row in schedule.rows_of(number)
    ]
    return batches_of(setup, rows, setup.asked_fit)[:_STEPS_TIMED]


def _seconds(setup: Setup, batches: Sequence[Batch]) -> float:
    """What a batch takes there and back; gradients and random states are afterwards as they were."""
    loss, states = loss_of(setup.spec.objective), random_states()
    setup.model.train()
    taken = []
    for batch in batches:
        began = time.monotonic()
        found = step.micro_step(
            setup.model, loss, batch, max(1, batch.units), setup.numbers.context()
        )
        found.total.item()  # waits until a GPU is done
        taken.append(time.monotonic() - began)
        setup.model.zero_grad(set_to_none=True)
    restore_random_states(states)
    return statistics.median(taken)


def _undo(model: nn.Module) -> None:
    for layer in _layers(model):
        layer._compiled_call_impl = None
    torch._dynamo.reset()
    model.zero_grad(set_to_none=True)
    fuse(model)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
