"""Make it fit: the gentlest change of a training's settings that brings it into the memory there is.

The search asks the model worker like a page does, one estimate after the other, so that nobody else's
questions wait for it to end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from studio.errors import StudioError
from studio.spec import TrainSpec

# Shares of the layers that may compute their intermediate results twice, the gentlest first.
SHARES = (0.5, 1.0)

Estimate = Mapping[str, Any]
Ask = Callable[[TrainSpec], Estimate]


@dataclass(frozen=True)
class Change:
    """One changed field of the spec, dotted, and in words what that costs."""

    field: str
    before: Any
    after: Any
    cost: str

    def to_json(self) -> dict[str, Any]:
        """The change of the contract."""
        return {"field": self.field, "from": self.before, "to": self.after, "cost": self.cost}


@dataclass(frozen=True)
class Fitting:
    """What the search found: the changes, the spec with them and its estimate; no spec where nothing
    fits. `tried` counts the estimates that it took."""

    changes: tuple[Change, ...]
    spec: TrainSpec | None
    estimate: Estimate | None
    words: str
    tried: int

    def to_json(self) -> dict[str, Any]:
        """The plan of the contract."""
        return {
            "changes": [change.to_json() for change in self.changes],
            "spec": self.spec.to_json() if self.spec else None,
            "fits": self.spec is not None,
            "words": self.words,
        }


@dataclass(frozen=True)
class Option:
    """What saves memory: the fields that it sets, each with what that costs, and which share of which part
    it saves at most.

    `saves` is a bound for leaving out what cannot help, not a forecast.
    """

    values: Mapping[str, Any]
    costs: Mapping[str, str]
    saves: Mapping[str, float]

    @classmethod
    def of(cls, field: str, value: Any, cost: str, saves: Mapping[str, float]) -> Option:
        """An option of one field."""
        return cls({field: value}, {field: cost}, saves)


def make_it_fit(
    spec: TrainSpec,
    ask: Ask,
    lengths: Mapping[str, Any],
    on_words: Callable[[str], None] = lambda _: None,
) -> Fitting:
    """Search the settings for the gentlest plan that fits; `ask` gives the JSON of an estimate.

    What changes nothing that is learnt comes first: fewer rows at a time with as many more batches a
    step, then intermediate results computed twice, in half of the layers or all; then an optimizer in
    8 bits, a base in 8 and in 4, and last a length that cuts the longest rows. A later one is taken only
    where all earlier ones together are not enough. `lengths` are those of the data (worker's `lengths`),
    empty without data.
    Raises StudioError where the spec itself cannot be estimated.
    """
    search = _Search(spec, ask, on_words)
    asked = search.estimate(spec)
    assert asked is not None
    if asked["verdict"]["fits"]:
        return Fitting((), spec, asked, "It fits as it is.", search.tried)
    levers = _levers(spec, lengths)
    smallest = search.estimate(_with_rows(spec, _row_counts(spec)[0])) or asked
    for options in _combinations(levers):
        least = min(_at_least(each, options) for each in (asked, smallest))
        if least > asked["verdict"]["free_bytes"]:
            continue
        found = search.largest_that_fits(spec, options)
        if found is not None:
            return _fitting(spec, options, found, asked, search.tried)
    return Fitting((), None, None, _nothing_fits(spec, search, levers), search.tried)


class _Search:
    """The estimates that were asked for, each once."""

    def __init__(self, spec: TrainSpec, ask: Ask, on_words: Callable[[str], None]) -> None:
        self._spec = spec
        self._ask = ask
        self._on_words = on_words
        self._known: dict[str, Estimate | None] = {}

    @property
    def tried(self) -> int:
        """How many estimates were made."""
        return len(self._known)

    @property
    def least_bytes(self) -> int:
        """The smallest need seen."""
        return min(int(each["verdict"]["needs_bytes"]) for each in self._known.values() if each)

    def estimate(self, spec: TrainSpec) -> Estimate | None:
        """The estimate of `spec`; None where these settings do not go together, or not with this model."""
        key = repr(spec.to_json())
        if key not in self._known:
            try:
                self._known[key] = self._ask(spec)
            except StudioError:
                if spec == self._spec:
                    raise
                self._known[key] = None
            self._on_words(f"{len(self._known)} ways looked at …")
        return self._known[key]

    def largest_that_fits(
        self, spec: TrainSpec, options: Sequence[Option]
    ) -> tuple[TrainSpec, Estimate] | None:
        """With these options the most rows at a time that fit, by halving the list of what divides."""
        changed = _with_options(spec, options)
        if changed is None:
            return None
        best = self._fits(changed) if options else None
        if best is not None:
            return best
        counts = [count for count in _row_counts(spec) if count < spec.training.rows_at_a_time]
        low, high = 0, len(counts) - 1
        while low <= high:
            middle = low if best is None else (low + high + 1) // 2
            found = self._fits(_with_rows(changed, counts[middle]))
            if found is None and best is None:
                return None
            if found is None:
                high = middle - 1
            else:
                best, low = found, middle + 1
        return best

    def _fits(self, spec: TrainSpec) -> tuple[TrainSpec, Estimate] | None:
        found = self.estimate(spec)
        return (spec, found) if found is not None and found["verdict"]["fits"] else None


def _levers(spec: TrainSpec, lengths: Mapping[str, Any]) -> list[list[Option]]:
    """The options from the gentlest to the hardest; of one list at most one is taken."""
    levers: list[list[Option]] = []
    training, held = spec.training, spec.model.quantization
    if training.recomputed_share < 1 and spec.method.method.recomputes:
        levers.append(
            [*map(_recomputing, (share for share in SHARES if share > training.recomputed_share))]
        )
    if training.optimizer == "adamw":
        cost = (
            "The optimizer keeps its two numbers a weight in 8 bits instead of 32: steps are rounded a "
            "little, which is seldom noticed in the result."
        )
        levers.append([Option.of("training.optimizer", "adamw_8bit", cost, {"optimizer": 0.8})])
    bits = []
    # An adapter that goes on fits the base as it was held.
    is_free = spec.model.adapter is None
    if held == "none" and is_free:
        cost = (
            "The base is held in 8 bits: a quarter of its memory at 32 bits, for a very small loss of "
            "quality and slower steps."
        )
        bits.append(Option.of("model.quantization", "int8", cost, {"weights": 0.8}))
    if held in ("none", "int8") and is_free:
        cost = (
            "The base is held in 4 bits: a seventh of its memory at 32 bits, for a small loss of "
            "quality and slower steps."
        )
        bits.append(Option.of("model.quantization", "nf4", cost, {"weights": 0.9}))
    levers += [bits] if bits else []
    shorter = lengths.get("covering")
    if shorter and shorter["max_length"] < training.max_length:
        cost = (
            f"{shorter['cut_rows']:,} of {lengths['rows']:,} rows are cut: {shorter['lost_tokens']:,} of "
            f"{lengths['tokens']:,} tokens are not learnt from."
        )
        saves = {"activations": 1.0, "loss": 1.0}
        levers.append([Option.of("training.max_length", shorter["max_length"], cost, saves)])
    return levers


def _recomputing(share: float) -> Option:
    """A share of the layers computes its intermediate results twice."""
    longer = "a third" if share == 1 else "a sixth"
    costs = {
        "training.gradient_checkpointing": f"Each step takes about {longer} longer: intermediate results are "
        "computed twice instead of being kept. What is learnt is the same.",
        "training.checkpointed_share": "All layers do so."
        if share == 1
        else "Only the lower half of the layers does so.",
    }
    values = {"training.gradient_checkpointing": True, "training.checkpointed_share": share}
    # Of an odd number of layers half are up to two thirds.
    return Option(values, costs, {"activations": 1.0 if share == 1 else 0.75})


def _combinations(levers: Sequence[Sequence[Option]]) -> list[tuple[Option, ...]]:
    """All of them, a harder option only after every set of gentler ones; the last lever weighs most."""
    choices: list[tuple[Option | None, ...]] = [(None, *options) for options in reversed(levers)]
    return [tuple(option for option in chosen if option) for chosen in product(*choices)]


def _at_least(estimate: Estimate, options: Sequence[Option]) -> float:
    """Bytes that a plan cannot go below: at the moment of that peak each option saves its share at most."""
    memory = estimate["memory"]
    shares: dict[str, float] = {}
    for option in options:
        for part, share in option.saves.items():
            shares[part] = max(share, shares.get(part, 0.0))
    saved: float = sum(memory["parts"].get(part, 0) * share for part, share in shares.items())
    return float(memory["low_bytes"]) - saved


def _row_counts(spec: TrainSpec) -> list[int]:
    """Rows at a time with which a step still takes as many rows, ascending."""
    whole, most = spec.training.rows_per_step, spec.training.rows_at_a_time
    return [count for count in range(1, most + 1) if whole % count == 0]


def _with_rows(spec: TrainSpec, rows: int) -> TrainSpec:
    """So many rows at a time, and as many more batches a step."""
    changes = {
        "training.batch_size": rows,
        "training.gradient_accumulation": spec.training.rows_per_step // rows,
        "training.tokens_per_batch": None,
    }
    changed = _changed(spec, changes)
    assert changed is not None, "fewer rows at a time are always allowed"
    return changed


def _with_options(spec: TrainSpec, options: Sequence[Option]) -> TrainSpec | None:
    return _changed(
        spec, {path: value for option in options for path, value in option.values.items()}
    )


def _changed(spec: TrainSpec, changes: Mapping[str, Any]) -> TrainSpec | None:
    """The spec with other values at dotted fields; None where they do not go with the rest."""
    document = spec.to_json()
    for path, value in changes.items():
        section, name = path.split(".")
        document[section][name] = value
    try:
        return TrainSpec.parse(document)
    except StudioError:
        return None


def _fitting(
    spec: TrainSpec,
    options: Sequence[Option],
    found: tuple[TrainSpec, Estimate],
    asked: Estimate,
    tried: int,
) -> Fitting:
    """The plan in words."""
    changed, estimate = found
    before, after = spec.training, changed.training
    changes = []
    if after.batch_size != before.batch_size:
        cost = "Smaller pieces use the machine a little less well; a step still takes as many rows."
        changes.append(Change("training.batch_size", before.batch_size, after.batch_size, cost))
        cost = "Keeps the rows of each step as many as before, so that the same is learnt."
        accumulated = before.gradient_accumulation, after.gradient_accumulation
        changes.append(Change("training.gradient_accumulation", *accumulated, cost))
    if after.tokens_per_batch != before.tokens_per_batch:
        cost = "Rows are counted instead of tokens; of so many it is known that they fit."
        changes.append(Change("training.tokens_per_batch", before.tokens_per_batch, None, cost))
    document = spec.to_json()
    for option in reversed(options):
        for path, value in option.values.items():
            section, name = path.split(".")
            if document[section][name] != value:
                changes.append(Change(path, document[section][name], value, option.costs[path]))
    words = f"{estimate['verdict']['words']} {_time_words(asked, estimate)}".strip()
    return Fitting(tuple(changes), changed, estimate, words, tried)


def _time_words(asked: Estimate, planned: Estimate) -> str:
    """How much longer it takes, where both are known."""
    before, after = asked.get("time"), planned.get("time")
    if not before or not after or before["seconds"] <= 0:
        return ""
    more = after["seconds"] / before["seconds"] - 1
    if abs(more) < 0.02:
        return "It takes about as long as before."
    return f"It takes about {abs(more):.0%} {'longer' if more > 0 else 'less time'} than before."


def _nothing_fits(spec: TrainSpec, search: _Search, levers: Sequence[Sequence[Option]]) -> str:
    """What the least need is, and what else there is to do."""
    hardest = _with_options(spec, [options[-1] for options in levers])
    if hardest is not None:
        search.estimate(_with_rows(hardest, _row_counts(spec)[0]))
    least = f"{search.least_bytes / 1e9:.1f} GB"
    advice = "Choose a smaller model, a lower longest length, or a device with more memory."
    if spec.method.method.family == "full":
        advice = f"A method that leaves the base frozen, such as lora, needs far less. {advice}"
    return f"Nothing that can be set here makes it fit: at least {least} would be needed. {advice}"
