"""The split: which examples are held out from training, the same for the same content and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from studio.data.examples import Example
from studio.data.examples.chat import Conversation
from studio.data.examples.classification import Labelled
from studio.errors import DataProblem, FieldProblem


class Split(NamedTuple):
    """Examples to train on and examples held out, each in the order of the file."""

    training: tuple[Any, ...]
    held_out: tuple[Any, ...]


class HeldOut(NamedTuple):
    """What is held out: rows (`Example.row`), and the names of their groups (`group_of`)."""

    rows: frozenset[int]
    groups: frozenset[bytes]


def split(
    examples: Sequence[Example], share: float, seed: int, always: Collection[bytes] = ()
) -> Split:
    """Hold out the lowest max(1, round(share × groups)) groups by keyed content hash; none at 0.

    Examples with the same question, but for case and blanks, are one group: no question stands on
    both sides. The groups in `always` (by `group_of`), held out before, are held out again, even
    where they are more than the share asks for; of the others none with a label that no row to train
    on has. Raises DataProblem when no group would be left to
    train on.
    """
    held_out = hold_out(examples, share, seed, always).rows
    return _parted(examples, [example.row in held_out for example in examples])


def hold_out(
    examples: Iterable[Example], share: float, seed: int, always: Collection[bytes] = ()
) -> HeldOut:
    """What `split` holds out; the examples pass by one at a time."""
    if share == 0:
        return HeldOut(frozenset(), frozenset())
    key = str(seed).encode()[:64]
    rows: dict[tuple[bytes, bytes], list[int]] = {}
    labels: dict[tuple[bytes, bytes], set[str]] = {}
    for example in examples:
        asked = _asked(example)
        group = _hash(asked, key), _hash(asked)
        rows.setdefault(group, []).append(example.row)
        if isinstance(example, Labelled):
            labels.setdefault(group, set()).update(example.labels)
    ordered = sorted(rows, key=lambda group: (group[1] not in always, group[0]))
    count = max(1, round(share * len(rows)), sum(group[1] in always for group in rows))
    if count >= len(rows):
        words = (
            f"With {len(rows)} different question{'' if len(rows) == 1 else 's'} and a "
            f"held-out share of {share:g}, nothing is left to train on. "
            "Add rows, or lower the share (0 holds out none)."
        )
        raise DataProblem(words, fields=[FieldProblem("data.held_out", words)])
    # A label that only held-out rows had would never be learnt.
    known = {label for group in ordered[count:] for label in labels.get(group, ())}
    chosen = [
        group
        for group in ordered[:count]
        if group[1] in always or known.issuperset(labels.get(group, ()))
    ]
    return HeldOut(
        frozenset(row for group in chosen for row in rows[group]),
        frozenset(name for _, name in chosen),
    )


def split_as_before(examples: Sequence[Example], held_out: Collection[bytes]) -> Split:
    """The split that holds out these groups (by `group_of`) and no others."""
    return _parted(examples, [group_of(example) in held_out for example in examples])


def group_of(example: Example) -> bytes:
    """The name of an example's group, whatever the seed: 16 bytes."""
    return _hash(_asked(example))


def _parted(examples: Sequence[Example], is_held_out: Sequence[bool]) -> Split:
    pairs = list(zip(examples, is_held_out, strict=True))
    return Split(
        tuple(example for example, held_out in pairs if not held_out),
        tuple(example for example, held_out in pairs if held_out),
    )


def _asked(example: Example) -> str:
    """What the example asks, without differences of case and blanks; its text where it asks nothing."""
    questions = [example.question or example.answer]
    if isinstance(example, Conversation):
        questions = [turn.content for turn in example.messages if turn.role == "user"]
    return "\n\0".join(" ".join(question.casefold().split()) for question in questions)


def _hash(text: str, key: bytes = b"") -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16).digest()
