"""Rows of which not one token would be trained."""

from __future__ import annotations

from collections.abc import Iterator

from studio.checks.batch import Batch
from studio.checks.check import LEAVE_OUT, Check
from studio.checks.search import Hit, Search


def _untrained(batch: Batch) -> Iterator[Hit]:
    for place, tokens in enumerate(batch.tokens or ()):
        if not tokens.trained:
            yield Hit(place, kind="the model's chat template shows no answer")
        elif not tokens.left:
            yield Hit(place, kind="the cut leaves nothing of the answer")


CHECK = Check(
    name="untrained",
    title="Rows with no trained token",
    why="Such a row costs time and teaches nothing; a training with it is refused.",
    begin=lambda circumstances: Search(_untrained, "nothing of these would be learnt: {kinds}"),
    cost="tokens",
    fixes=(LEAVE_OUT,),
)
