"""What every objective declares about itself: words, roles of columns, and how an example is encoded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pydantic

from studio.data.examples import KINDS, Role
from studio.errors import DataProblem

# How rows become a batch, and with that which kind of model is trained:
# "tokens"     a causal model; each trained token weighs the same;
# "sequences"  a causal model; whole answers are weighed against one another;
# "classes"    a model with a classification head; each row has classes;
# "decoder"    an encoder-decoder; each trained token of what the decoder writes weighs the same.
Layout = Literal["tokens", "sequences", "classes", "decoder"]


class ObjectiveSettings(pydantic.BaseModel):
    """The base of every objective's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Encoded:
    """One example as the model sees it: `ids (T,)`, and `mask (T,)` with 1 where a token is trained.

    The rest is for the objectives that need it. `rejected`: the answer that is not wanted.
    `mismatched`: the same question with an answer that belongs to another one. `target`: what the
    decoder is to write, the row's class, or one number a class. `weight`: how much the row counts,
    `is_good`: whether its answer is wanted. `reference`: the log-probabilities of its answers under
    the reference model, once they are known.
    """

    ids: list[int]
    mask: list[int]
    rejected: Encoded | None = None
    mismatched: Encoded | None = None
    target: tuple[int, ...] = ()
    weight: float = 1.0
    is_good: bool = True
    reference: tuple[float, ...] = ()

    def lines(self) -> Iterator[Sequence[int]]:
        """Every sequence of token ids of the row, but what a decoder writes."""
        yield self.ids
        for other in (self.rejected, self.mismatched):
            if other is not None:
                yield other.ids


@dataclass(frozen=True)
class Metric:
    """A figure that a training reports: its name on the page, and what it says in words.

    `is_share`: between 0 and 1, shown in per cent.
    """

    title: str
    words: str
    is_share: bool = False


def cut_right(row: Encoded, settings: Any, max_length: int) -> list[Encoded]:
    """The row within `max_length` tokens, its end cut off; nothing where no trained token is left."""
    if len(row.ids) > max_length:
        row = replace(row, ids=row.ids[:max_length], mask=row.mask[:max_length])
    # The first token has nothing before it that could predict it.
    return [row] if any(row.mask[1:]) else []


def keep_all(row: Encoded, settings: Any, max_length: int) -> list[Encoded]:
    """The row within `max_length` tokens, its end cut off; something is always left to learn."""
    return [replace(row, ids=row.ids[:max_length], mask=row.mask[:max_length])]


def tokens_of(texts: Sequence[str], tokenizer: Any) -> list[list[int]]:
    """Texts as the tokenizer writes them for the model, special tokens included. Raises DataProblem."""
    found: list[list[int]] = tokenizer(list(texts))["input_ids"]
    if not all(found):
        raise DataProblem("The model's tokenizer makes no token of this row's text.")
    return found


def _as_they_are(rows: list[Encoded], settings: Any, max_length: int) -> list[Encoded]:
    return rows


def _leave(settings: Any, examples: Collection[Any]) -> Any:
    return settings


def _all_trained(settings: Any, length: int) -> Encoded:
    return Encoded([0] * length, [1] * length)


@dataclass(frozen=True)
class Objective:
    """What training aims at; its examples are the kind of the same name in `data/examples`.

    `encode_all(examples, tokenizer, settings)` gives plain lists, a row an example; it raises
    DataProblem for one that has no trained token or that the model's template refuses.
    `cut(row, settings, max_length)` gives what becomes of a row within that length: mostly itself,
    nothing where nothing of it could be trained. `combine` sees all rows after that, for what they
    have of one another; where `keeps_rows_apart(settings)` they have nothing, and an example is one
    row. `settle(settings, examples)` fills in what the settings leave to the data; it raises
    AskedWrongly where data and settings do not go together. `longest(settings, length)` is the largest
    row there can be, for the estimate without data. `needs_reference` tells whether answers are
    compared with the base model's, `needs_template` whether the chat template is used.
    """

    name: str
    title: str
    sentence: str
    settings: type[ObjectiveSettings]
    encode_all: Callable[[Sequence[Any], Any, Any], list[Encoded]]
    metrics: dict[str, Metric]
    layout: Layout = "tokens"
    cut: Callable[[Encoded, Any, int], list[Encoded]] = cut_right
    combine: Callable[[list[Encoded], Any, int], list[Encoded]] = _as_they_are
    keeps_rows_apart: Callable[[Any], bool] = lambda settings: True
    settle: Callable[[Any, Collection[Any]], Any] = _leave
    longest: Callable[[Any, int], Encoded] = _all_trained
    needs_reference: Callable[[Any], bool] = lambda settings: False
    needs_template: bool = False

    def encode(self, example: Any, tokenizer: Any, settings: Any) -> Encoded:
        """One example by itself."""
        return self.encode_all([example], tokenizer, settings)[0]

    @property
    def looks_at_examples(self) -> bool:
        """Whether its settings leave something to the data."""
        return self.settle is not _leave

    @property
    def roles(self) -> tuple[Role, ...]:
        """The parts that a column can play."""
        return KINDS[self.name].roles

    @property
    def role_sets(self) -> tuple[frozenset[str], ...]:
        """The sets of roles of which one must be complete."""
        return KINDS[self.name].role_sets
