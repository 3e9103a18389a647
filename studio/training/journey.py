"""A run's journey: what lies before it after each step, and how long that takes by its own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from studio.objectives import Encoded
from studio.training.batching import Schedule
from studio.training.clock import Ahead, Clock, Spent
from studio.training.lower import LowerStates

# Of more rows the mean length of those that were trained on is as good, and counting takes time.
_MOST_COUNTED = 100_000


@dataclass
class Journey:
    """Of one attempt. `are_known` tells whether all rows are encoded: before, none is asked for its length.

    `eval_every` is the spec's: `never`, `epoch`, or a number of steps.
    """

    schedule: Schedule
    rows: Sequence[Encoded]
    held_out: Sequence[Encoded]
    eval_every: str | int
    are_known: Callable[[], bool]
    lower: LowerStates | None = None
    clock: Clock = field(default_factory=Clock)
    _row_tokens: float | None = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While the held-out rows are looked at."""
        began = Spent.now()
        yield
        self.clock.looked(Spent.now() - began)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """While a checkpoint is saved."""
        began = Spent.now()
        yield
        self.clock.saved(Spent.now() - began)

    @contextmanager
    def stepping(self) -> Iterator[Callable[[int], None]]:
        """While a step is taken; yields what must be told the tokens it was trained on."""
        began, tokens = Spent.now(), 0
        below, spent_below = self._below()

        def trained(count: int) -> None:
            nonlocal tokens
            tokens = count

        yield trained
        after, spent_after = self._below()
        self.clock.stepped(tokens, Spent.now() - began, after - below, spent_after - spent_below)

    def left(self, step: int, tokens: int) -> Spent | None:
        """What is still to be spent after `step` and so many tokens; None before it can be told."""
        total = self.schedule.total_steps
        if step == 0:
            return None
        steps_left = total - step
        per_row = self._mean_row()
        whole = tokens / step * total if per_row is None else per_row * self._rows_in_all()
        below, _ = self._below()
        return self.clock.left(
            Ahead(
                tokens=max(0.0, whole - tokens) if steps_left else 0.0,
                looks=self._looks(total) - self._looks(step) if self.held_out else 0,
                look_tokens=len(self.held_out) * (whole / max(1, self._rows_in_all())),
                checkpoints=self._passes(total) - self._passes(step),
                lower_tokens=self.lower.tokens - below if self.lower else 0,
            )
        )

    def _below(self) -> tuple[int, Spent]:
        """Tokens whose untrained layers were computed, and what that took."""
        return (self.lower.computed_tokens, self.lower.spent) if self.lower else (0, Spent())

    def _rows_in_all(self) -> int:
        """Rows of all steps; the last step of a pass may be short."""
        whole, rest = divmod(self.schedule.total_steps, self.schedule.steps_per_epoch)
        return whole * self.schedule.rows + min(
            self.schedule.rows, rest * self.schedule.rows_per_step
        )

    def _mean_row(self) -> float | None:
        """Tokens of a row, as they count in a step; None where that would take long to know."""
        is_long = len(self.rows) > _MOST_COUNTED
        if self._row_tokens is None and not is_long and self.are_known():
            tokens = sum(
                len(row.ids) + len(row.rejected.ids if row.rejected else ()) for row in self.rows
            )
            self._row_tokens = tokens / len(self.rows)
        return self._row_tokens

    def _looks(self, step: int) -> int:
        """Looks at the held-out rows until a step is done, but for the one before the first."""
        if self.eval_every == "never":
            return 0
        return self._passes(step) if self.eval_every == "epoch" else step // int(self.eval_every)

    def _passes(self, step: int) -> int:
        """Passes over the rows that have ended, the last one even where it was cut short."""
        per_pass = self.schedule.steps_per_epoch
        return -(-step // per_pass) if step == self.schedule.total_steps else step // per_pass
