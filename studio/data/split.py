"""The split: which examples are held out from training, the same for the same content and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from studio.data.examples import Example
from studio.data.examples.chat import Conversation
from studio.errors import DataProblem, FieldProblem


class Split(NamedTuple):
    """Examples to train on and examples held out, each in the order of the file."""

    training: tuple[Any, ...]
    held_out: tuple[Any, ...]


def split(examples: Sequence[Example], share: float, seed: int) -> Split:
    """Hold out the lowest max(1, round(share × groups)) groups by keyed content hash; none at 0.

    Examples with the same question, but for case and blanks, are one group: no question stands on
    both sides. Raises DataProblem when no group would be left to train on.
    """
    if share == 0:
        return Split(tuple(examples), ())
    keys = [_group_key(example, seed) for example in examples]
    groups = sorted(set(keys))
    held_out_count = max(1, round(share * len(groups)))
    if held_out_count >= len(groups):
        words = (
            f"With {len(groups)} different question{'' if len(groups) == 1 else 's'} and a "
            f"held-out share of {share:g}, nothing is left to train on. "
            "Add rows, or lower the share (0 holds out none)."
        )
        raise DataProblem(words, fields=[FieldProblem("data.held_out", words)])
    held_out = set(groups[:held_out_count])
    pairs = list(zip(examples, keys, strict=True))
    return Split(
        tuple(example for example, key in pairs if key not in held_out),
        tuple(example for example, key in pairs if key in held_out),
    )


def _group_key(example: Example, seed: int) -> bytes:
    questions = [example.question]
    if isinstance(example, Conversation):
        questions = [turn.content for turn in example.messages if turn.role == "user"]
    text = "\n\0".join(" ".join(question.casefold().split()) for question in questions)
    key = str(seed).encode()[:64]
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()
