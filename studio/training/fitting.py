"""When memory runs out: the same step again with fewer rows at a time, then with recomputed activations."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import nn

from studio.training.randomness import random_states, restore_random_states
from studio.training.recomputing import recompute

Result = TypeVar("Result")

# What torch and the libraries below it say, apart from errors of a type of their own.
_SAID = re.compile(
    r"out of memory|can't allocate memory|not enough memory|unable to allocate|bad_alloc"
    r"|CUBLAS_STATUS_ALLOC_FAILED|could not create a (memory|primitive)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Fit:
    """How a step's rows are laid out in memory: how many at once, and what is kept for the way back.

    `recomputes` says whether all layers do. `tokens_at_a_time` bounds the rows too, where batches are cut by
    tokens. None of it changes which rows a
    step takes nor what each of their tokens weighs.
    """

    rows_at_a_time: int
    recomputes: bool = False
    tokens_at_a_time: int | None = None
    # Not with every method.
    may_recompute: bool = True

    def smaller(self) -> Fit | None:
        """Half the rows and tokens; at one row recomputed activations; None when nothing is left to save."""
        if self.rows_at_a_time > 1:
            tokens = self.tokens_at_a_time and max(1, self.tokens_at_a_time // 2)
            return replace(self, rows_at_a_time=self.rows_at_a_time // 2, tokens_at_a_time=tokens)
        is_smallest = self.recomputes or not self.may_recompute
        return None if is_smallest else replace(self, recomputes=True)

    def at_most(self, other: Fit) -> Fit:
        """What needs no more memory than either."""
        bounds = [fit.tokens_at_a_time for fit in (self, other) if fit.tokens_at_a_time is not None]
        return replace(
            self,
            rows_at_a_time=min(self.rows_at_a_time, other.rows_at_a_time),
            recomputes=self.recomputes or other.recomputes,
            tokens_at_a_time=min(bounds, default=None),
        )

    def after(self, failures: int) -> Fit:
        """The fit after memory ran out so many times, as far as it can shrink."""
        fit = self
        for _ in range(failures):
            fit = fit.smaller() or fit
        return fit

    @property
    def words(self) -> str:
        """`2 rows at a time, computing intermediate results twice`."""
        rows = "1 row" if self.rows_at_a_time == 1 else f"{self.rows_at_a_time} rows"
        if self.tokens_at_a_time is not None:
            rows = f"at most {rows} and {self.tokens_at_a_time:,} tokens"
        twice = ", computing intermediate results twice" if self.recomputes else ""
        return f"{rows} at a time{twice}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_SAID.search(str(error)))


def survive(
    attempt: Callable[[Fit], Result],
    fit: Fit,
    model: nn.Module,
    on_words: Callable[[str], None],
) -> tuple[Result, Fit]:
    """`attempt(fit)`; where memory runs out, again from the same random state with a smaller fit.

    `attempt` changes nothing but gradients, which are dropped before it is called again. Gives its
    result and the fit that did. Raises what it raised once nothing is left to save.
    """
    states = random_states()
    while True:
        try:
            return attempt(fit), fit
        except (RuntimeError, MemoryError) as error:
            smaller = fit.smaller()
            if not is_out_of_memory(error) or smaller is None:
                raise
        # Not within `except`: the error's traceback holds the tensors that are to go.
        _make_room(model)
        restore_random_states(states)
        on_words(f"The memory ran out. Going on with {smaller.words}: the same steps, only slower.")
        if smaller.recomputes and not fit.recomputes:
            recompute(model)
        fit = smaller


def _make_room(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.grad = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
