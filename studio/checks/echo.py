"""Answers that only say the question again."""

from __future__ import annotations

from collections.abc import Iterator

from studio.checks.batch import Batch, plain
from studio.checks.check import LEAVE_OUT, Check
from studio.checks.search import Hit, Search


def _echoes(batch: Batch) -> Iterator[Hit]:
    for place, (question, answer) in enumerate(zip(batch.questions, batch.answers, strict=True)):
        # Comparing lengths first spares nearly every row the plain forms.
        if abs(len(question) - len(answer)) <= 8 + len(answer) // 8 and (
            question == answer or plain(question) == plain(answer)
        ):
            yield Hit(place)


CHECK = Check(
    name="echo",
    title="Answer equal to the question",
    why="The model learns to repeat what it was asked. Often two columns were mixed up or copied.",
    begin=lambda circumstances: Search(_echoes, "the answer is the question again"),
    fixes=(LEAVE_OUT,),
)
