"""The learning rate of a spec that names none: by its method and by the size of its base."""

from __future__ import annotations

from dataclasses import replace

from studio.errors import ModelProblem
from studio.models.describe import describe
from studio.models.source import ResolvedModel
from studio.spec import TrainSpec


def suited(spec: TrainSpec, resolved: ResolvedModel) -> TrainSpec:
    """The spec with the rate that suits its base, where it was left out and the base is here to be looked at.

    A base that must still be fetched keeps the method's rate for a middling size.
    """
    place = resolved.folder or resolved.gguf
    if not spec.rate_is_open or place is None:
        return spec
    try:
        parameters = describe(place).parameters
    except ModelProblem:
        return spec  # what is wrong with it is said where it is loaded
    rate = spec.method.method.rate_for(parameters)
    training = spec.training.model_copy(update={"learning_rate": rate})
    return replace(spec, training=training, rate_is_open=False)
