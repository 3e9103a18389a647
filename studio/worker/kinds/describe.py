"""The kind `describe`: what a base model is, and which of its layers a method can be attached to."""

from __future__ import annotations

from typing import Any

import torch

from studio.errors import ModelProblem
from studio.estimator.blueprint import Plan, blueprint
from studio.methods import METHODS
from studio.models.describe import describe as describe_files
from studio.spec import MethodChoice
from studio.training.heads import CAUSAL, Head
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, source: str, revision: str | None) -> dict[str, Any]:
    """The model's description, where it is, and the names of its linear layers (`targets`)."""
    base = bench.base(source, revision)
    found = describe_files(base.place)
    architecture = found.architecture
    return {
        "source": base.resolved.source,
        "revision": base.resolved.revision,
        "title": base.resolved.title,
        "licence": base.resolved.licence or found.licence,
        "task": base.resolved.task,
        "parameters": found.parameters,
        "bytes": found.bytes,
        "has_chat_template": found.has_chat_template,
        "family": architecture.family,
        "layers": architecture.layers,
        "hidden": architecture.hidden,
        "vocab": architecture.vocab,
        "max_length": architecture.max_length,
        "targets": _targets(base.place),
    }


def _targets(place: Any) -> list[str]:
    full = METHODS["full"]
    method = MethodChoice(full.name, full.settings())
    names: tuple[str, ...] = ()
    # Not every base writes text: some only read it, some do both.
    for head in (CAUSAL, Head("decoder"), Head("classes", ("0", "1"))):
        try:
            names = blueprint(
                place, Plan(method, torch.float32, "auto", False, head=head)
            ).linear_modules
            break
        except ModelProblem as error:
            if error.code != "model_kind":
                raise
    return list(dict.fromkeys(name.rpartition(".")[2] for name in names))


KIND = Kind("model", answer)
