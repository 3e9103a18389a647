"""The kind `survey`: what a method is told of a base, so that others can ask methods without torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from studio.estimator.blueprint import Plan, whole
from studio.spec import TrainSpec
from studio.training.heads import Head
from studio.training.survey import survey
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, spec: dict[str, Any]) -> dict[str, Any]:
    """`studio.methods.Base` as JSON, not held in few bits, for the objective of the spec."""
    parsed = TrainSpec.parse(spec)
    place = bench.base(parsed.model.source, parsed.model.revision).place
    head = Head.of(parsed.objective)
    plan = Plan(parsed.method, torch.float32, "auto", head=head)
    return asdict(survey(whole(place, plan), head))


KIND = Kind("model", answer)
