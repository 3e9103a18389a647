"""How other people's libraries behave in our processes: offline, quiet, one set of threads."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import logging
import os
import warnings
from collections.abc import Iterator

# Asked of no one but `fetch`: whatever trains, tries or exports uses files that are here already.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
    "BITSANDBYTES_NOWELCOME": "1",
}
# PEFT imports bitsandbytes, which has functions compiled that nothing here calls: that loaded torch's compiler
# into every process. Who compiles takes the variable away again.
UNCOMPILED = "TORCHDYNAMO_DISABLE"
# Threads of torch that wait for one another sleep instead of spinning: a step beside one busy program
# took 14-19 s with spinning and 3.5-4.8 s without (2 cores, 135M model, 280 tokens).
PATIENT = {"GOMP_SPINCOUNT": "0"}


def is_installed(package: str) -> bool:
    """Whether a package is there; a folder of that name in the working folder is not it."""
    found = importlib.util.find_spec(package)
    return found is not None and found.origin is not None


def settle() -> None:
    """Call before the first import of torch, transformers or peft in a process that needs no Hub."""
    be_quiet()
    os.environ.update(OFFLINE)


def be_quiet() -> None:
    """The half of `settle` that holds for fetching too.

    Hints and bars are written for programmers; in a log that a person reads they look like faults.
    What matters to a person our own code says.
    """
    os.environ.update(QUIET)
    os.environ[UNCOMPILED] = "1"
    for name, value in PATIENT.items():
        os.environ.setdefault(name, value)
    # PEFT imports bitsandbytes, which complains of kernels that only its own 4-bit speed-up needs.
    for name in ("bitsandbytes", "transformers", "peft"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in ("transformers", "peft", "torch"):
        warnings.filterwarnings("ignore", module=rf"{name}\b")


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """For imports that take seconds: they make many objects that stay, and collecting among them only costs
    time, then and whenever it is done again. Where it is off already it stays off."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
