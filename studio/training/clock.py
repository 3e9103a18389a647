"""The clock: how long a run still takes, told by what its own steps took."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

# The first step also makes what later ones only use.
_WARM_UP = 1
# By the clock, other programs come and go: the pace of the last minutes counts.
_RECENT_S = 300.0
# Looking at a row without training on it takes about this much of a step; only until a look was timed.
_LOOK_SHARE = 0.3


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of the processor's time that this process used."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu)

    def __mul__(self, times: float) -> Spent:
        return Spent(self.wall * times, self.cpu * times)

    @classmethod
    def now(cls) -> Spent:
        """A reading: the difference of two was spent between them."""
        return cls(time.monotonic(), time.process_time())


@dataclass(frozen=True)
class Ahead:
    """What a run has before it: tokens to train on, looks at the held-out rows (`look_tokens` each),
    checkpoints, and tokens whose untrained layers were not computed yet."""

    tokens: float
    looks: float
    look_tokens: float
    checkpoints: float
    lower_tokens: float = 0.0


@dataclass
class Clock:
    """Watches one attempt at a run. A resumed run begins with a clock that knows nothing."""

    _seen: int = 0
    _all: tuple[float, Spent] = (0.0, Spent())
    _recent: deque[tuple[float, Spent]] = field(default_factory=deque)
    _recently: tuple[float, Spent] = (0.0, Spent())
    _lower: tuple[float, Spent] = (0.0, Spent())
    _look: Spent | None = None
    _save: Spent = field(default_factory=Spent)

    def stepped(
        self, tokens: int, spent: Spent, lower_tokens: int = 0, lower: Spent | None = None
    ) -> None:
        """A step on so many tokens is done; of what it took, `lower` went into untrained layers."""
        of_lower = lower or Spent()
        self._lower = _added(self._lower, lower_tokens, of_lower)
        self._seen += 1
        if self._seen <= _WARM_UP:
            return
        own = spent - of_lower
        self._all = _added(self._all, tokens, own)
        self._recent.append((tokens, own))
        self._recently = _added(self._recently, tokens, own)
        while len(self._recent) > 1 and self._recently[1].wall > _RECENT_S:
            gone, past = self._recent.popleft()
            self._recently = _added(self._recently, -gone, past * -1)

    def looked(self, spent: Spent) -> None:
        """The held-out rows were looked at."""
        self._look = spent

    def saved(self, spent: Spent) -> None:
        """A checkpoint was saved."""
        self._save = spent

    def left(self, ahead: Ahead) -> Spent | None:
        """What is still to be spent; None before it can be told."""
        (tokens, spent), (recent_tokens, recent) = self._all, self._recently
        if tokens <= 0 or recent_tokens <= 0:
            return None
        pace = Spent(recent.wall / recent_tokens, spent.cpu / tokens)
        look = self._look or pace * (ahead.look_tokens * _LOOK_SHARE)
        lower_tokens, lower = self._lower
        below = lower * (ahead.lower_tokens / lower_tokens) if lower_tokens else Spent()
        return pace * ahead.tokens + look * ahead.looks + self._save * ahead.checkpoints + below


def _added(total: tuple[float, Spent], tokens: float, spent: Spent) -> tuple[float, Spent]:
    return total[0] + tokens, total[1] + spent
