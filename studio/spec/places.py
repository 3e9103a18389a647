"""Places: which of this machine's slots a training takes, and what it asks for that is not here."""

from __future__ import annotations

from studio import devices
from studio.errors import AskedWrongly, FieldProblem
from studio.spec.sections import Training


def slots_for(training: Training) -> tuple[str, int]:
    """The kind of slots and how many: a GPU for each process, or the processor for all of them.

    Raises AskedWrongly with what `missing` finds.
    """
    found = missing(training)
    if found:
        words = " ".join(problem.words for problem in found)
        raise AskedWrongly(words, code="spec", fields=found)
    gpus = _gpus()
    if training.devices == "cpu" or not gpus:
        return "cpu", 1
    return "cuda", training.processes


def missing(training: Training) -> list[FieldProblem]:
    """What the settings ask of this machine that it does not have, each at its field."""
    wants_gpu = {
        "offload": (training.offload != "none", "Offloading keeps frozen layers off a GPU", "none"),
        "kernels": (training.kernels == "liger", "Liger's kernels run on an NVIDIA GPU", "own"),
    }
    is_cpu_enough = training.processes == 1 or training.devices == "cpu"
    if is_cpu_enough and not any(is_so for is_so, _, _ in wants_gpu.values()):
        return []
    gpus = _gpus()
    found = [
        FieldProblem(
            f"training.{name}",
            f"{words}, and this machine has none that can be used. "
            f'Set training.{name} to "{otherwise}".',
        )
        for name, (is_so, words, otherwise) in wants_gpu.items()
        if is_so and not gpus
    ]
    shares_processor = training.devices == "cpu" or (not gpus and training.devices == "auto")
    if not shares_processor and training.processes > max(gpus, 1):
        words = (
            f"{training.processes} processes need a GPU each, and this machine has {gpus}. Use "
            f'{max(gpus, 1)}, or set training.devices to "cpu".'
        )
        found.append(FieldProblem("training.processes", words))
    return found


def _gpus() -> int:
    return sum(slot.kind == "cuda" for slot in devices.slots())
