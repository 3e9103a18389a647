"""The training loop: from a ready model and encoded rows to trained weights, resumable at any step."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import checkpoints, checkups, optimizers, sharding, spikes, step, stopping
from studio.training.adapters import trainable
from studio.training.batching import Batch, Schedule, batch_of, by_length, groups, units_of
from studio.training.checkpoints import Position
from studio.training.clock import Spent
from studio.training.fitting import Fit, survive
from studio.training.held_out import measure_of
from studio.training.journey import Journey
from studio.training.loading import Numbers
from studio.training.losses import loss_of
from studio.training.lower import LowerStates
from studio.training.ranks import ALONE, Ranks
from studio.training.recomputing import recompute
from studio.training.room import DISK_ERRORS, DiskRoom, is_full_disk, shortage_words
from studio.training.scaling import Scaling
from studio.training.stopping import HeldOut
from studio.training.tuners import Tuner, tuner_of
from studio.training.tuners.tuner import Ground

Result = TypeVar("Result")

# A run that is killed loses at most about this much work, however long its epochs are.
CHECKPOINT_EVERY_S = 300.0
# Ranks drop different numbers out: their seeds lie so far apart.
_SEEDS_APART = 1_000_003


@dataclass(frozen=True)
class Setup:
    """A run made ready: all that the loop needs and does not choose itself.

    `crashes` is how often an attempt was killed from outside, mostly for want of memory. `lower` keeps
    what the untrained lower layers give, where that is worth it. `tokenizer` is there for methods that
    begin with a text. All `ranks` are given the same rows. `rows_are_known` tells whether each is encoded.
    """

    spec: TrainSpec
    model: nn.Module
    device: torch.device
    numbers: Numbers
    training: Sequence[Encoded]
    held_out: Sequence[Encoded]
    packed: bool
    pad_id: int
    checkpoints: Path
    start_id: int = 0
    crashes: int = 0
    lower: LowerStates | None = None
    tokenizer: Any = None
    ranks: Ranks = ALONE
    rows_are_known: Callable[[], bool] = lambda: True

    def journey(self, schedule: Schedule) -> Journey:
        """The way of an attempt, whose clock begins now."""
        return Journey(
            schedule,
            self.training,
            self.held_out,
            self.spec.training.eval_every,
            self.rows_are_known,
            self.lower,
        )

    @property
    def is_sharded(self) -> bool:
        """Whether the ranks must compute in step, since each borrows the others' weights."""
        return self.spec.training.sharding != "none"

    @property
    def tuner(self) -> Tuner:
        """What the method does beside the plain step."""
        return tuner_of(self.spec.method)

    @property
    def asked_fit(self) -> Fit:
        """How the spec lays out a step's rows."""
        training = self.spec.training
        return Fit(
            training.rows_at_a_time,
            training.recomputed_share == 1,
            training.tokens_per_batch,
            may_recompute=self.spec.method.method.recomputes,
        )


@dataclass(frozen=True)
class Report:
    """What one step gave; before the first step only what the held-out rows tell.

    That is there only where it was measured: their mean loss a unit, and by name in `held_out` what
    else the objective counts. `warning` is what a person should read of this step. `seconds_left` by
    the clock, `cpu_seconds_left` of the processor's time, as this run's own steps tell.
    """

    step: int
    total_steps: int
    epoch: float = 0.0
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None
    held_out_loss: float | None = None
    held_out: dict[str, Any] | None = None
    warning: str | None = None
    seconds_left: float | None = None
    cpu_seconds_left: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How the loop ended: `is_complete` is False when it saved its place and stopped before the end.

    That was asked of it, or the disk has no room left, which `shortage` says in words. `kept_step` is
    the step after which the weights were as they are now: with early stopping the best.
    """

    is_complete: bool
    position: Position
    fit: Fit
    kept_step: int
    shortage: str | None = None


def run(
    setup: Setup,
    *,
    on_report: Callable[[Report], None],
    should_stop: Callable[[], bool],
    on_words: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Train to the end, or to the next step after `should_stop`; goes on from the last checkpoint.

    `on_words` is told what a person should know of the way there.
    """
    training, ranks = setup.spec.training, setup.ranks
    ranks.require(training.processes)
    schedule = plan(setup)
    optimizer, position = _begin(setup, schedule)
    _require_alike(setup)
    fit = _begin_with(setup, position)
    room, journey = DiskRoom(setup.checkpoints, setup.model), setup.journey(schedule)
    if position.step == 0 and setup.held_out:
        with journey.looking():
            report, fit = _with_held_out(setup, Report(0, schedule.total_steps), fit, on_words)
        on_report(report)
    saved_at = time.monotonic()
    setup.model.train()
    while _goes_on(setup, schedule, position):
        before = position.tokens
        with journey.stepping() as trained:
            position, report, fit = _one_step(setup, schedule, optimizer, position, fit, on_words)
            trained(position.tokens - before)
        if setup.tuner.advance(setup.model, setup.spec.method.settings, position.step):
            optimizer = optimizers.build(setup.model, setup.spec)
            anew = spikes.of_a_new_part(position.spikes)
            position = replace(position, held_out=HeldOut(), spikes=anew)
            on_words(
                f"The first part ends with step {position.step}. Other numbers train from here on, so the "
                "loss may jump once."
            )
        if _wants_evaluation(setup, schedule, position.step):
            with journey.looking():
                report, fit = _with_held_out(setup, report, fit, on_words)
            if setup.tuner.is_settled(setup.model):
                position, report = _measured(position, report)
        on_report(_with_time(report, journey.left(position.step, position.tokens)))
        position = replace(position, fit=fit)
        shortage = room.shortage()
        stop = should_stop() or shortage is not None
        is_due = time.monotonic() - saved_at > CHECKPOINT_EVERY_S
        stop, is_due, shortage = ranks.first_says((stop, is_due, shortage))
        goes_on = _goes_on(setup, schedule, position)
        is_due |= not goes_on or schedule.ends_epoch(position.step - 1)
        is_due |= training.early_stopping is not None and position.is_best
        if stop or is_due:
            with journey.saving():
                shortage = _save(setup, optimizer, position, room) or shortage
            saved_at = time.monotonic()
        if (stop or shortage) and goes_on:
            return Outcome(False, position, fit, position.step, shortage)
    checkups.refuse_broken_result(setup.model, position.step - position.spikes.skipped)
    return Outcome(True, position, fit, _keep_best(setup, position))


def _with_time(report: Report, left: Spent | None) -> Report:
    if left is None:
        return report
    seconds, cpu = round(left.wall, 2), round(left.cpu, 2)
    return replace(report, seconds_left=seconds, cpu_seconds_left=cpu)


def _begin(setup: Setup, schedule: Schedule) -> tuple[torch.optim.Optimizer, Position]:
    """The optimizer and the position to begin with: those of the last checkpoint, else of a fresh run."""
    training, tuner, settings = setup.spec.training, setup.tuner, setup.spec.method.settings
    tuner.begin(setup.model, settings, schedule.total_steps)
    torch.manual_seed(training.seed)
    saved = checkpoints.newest(setup.checkpoints, setup.ranks)
    if saved is None:
        # Where an earlier adapter learns on, the method has begun already.
        if not setup.spec.model.learns_on:
            tuner.prepare(setup.model, settings, _ground(setup, schedule))
    else:
        tuner.restore(setup.model, settings, saved.method_state())
    # Until here all ranks drew the same numbers: their weights must be the same.
    if not setup.ranks.is_first:
        torch.manual_seed(training.seed + _SEEDS_APART * setup.ranks.rank)
    optimizer = optimizers.build(setup.model, setup.spec)
    if saved is None:
        return optimizer, Position()
    return optimizer, saved.restore(setup.model, optimizer)


def _ground(setup: Setup, schedule: Schedule) -> Ground:
    def batches(steps: int) -> list[Batch]:
        chosen = [schedule.rows_of(number) for number in range(min(steps, schedule.total_steps))]
        rows = [setup.training[row] for rows in chosen for row in rows]
        return batches_of(setup, rows, setup.asked_fit)

    return Ground(setup.training, batches, loss_of(setup.spec.objective), setup.tokenizer)


def _require_alike(setup: Setup) -> None:
    """Each rank with the very same weights, or its share of them."""
    if setup.is_sharded:
        sharding.require_sharded(setup.model, setup.ranks)
    else:
        setup.ranks.refuse_strays(trainable(setup.model))


def _begin_with(setup: Setup, position: Position) -> Fit:
    """The fit to begin with: as asked, less what earlier attempts found out; the model made ready."""
    fit = setup.asked_fit.after(setup.crashes).at_most(position.fit or setup.asked_fit)
    if fit.recomputes and not setup.asked_fit.recomputes:
        recompute(setup.model)
    return fit


def _goes_on(setup: Setup, schedule: Schedule, position: Position) -> bool:
    is_over = position.held_out.is_over(setup.spec.training.early_stopping)
    return position.step < schedule.total_steps and not is_over


def _measured(position: Position, report: Report) -> tuple[Position, Report]:
    """The report's held-out loss taken into the position, and what it warns of into the report."""
    assert report.held_out_loss is not None
    held_out, words = stopping.measured(position.held_out, position.step, report.held_out_loss)
    warning = " ".join(filter(None, [report.warning, words])) or None
    return replace(position, held_out=held_out), replace(report, warning=warning)


def _save(
    setup: Setup, optimizer: torch.optim.Optimizer, position: Position, room: DiskRoom
) -> str | None:
    """Save a checkpoint; where there was no room for it, the words to tell a person."""
    training = setup.spec.training
    best = position.held_out.best_step if training.early_stopping is not None else None
    _require_alike(setup)
    try:
        checkpoints.save(
            setup.checkpoints,
            setup.model,
            optimizer,
            position,
            method=setup.tuner.state(setup.model),
            keep=training.keep_checkpoints,
            limit_bytes=training.checkpoint_bytes,
            spare_step=best,
            ranks=setup.ranks,
        )
    except DISK_ERRORS as error:
        if not is_full_disk(error):
            raise
        return shortage_words(setup.checkpoints, 0, room.needs_bytes)
    return None


def _keep_best(setup: Setup, position: Position) -> int:
    """With early stopping, put the best weights into the model; gives the step that they are from."""
    best = position.held_out.best_step
    if setup.spec.training.early_stopping is None or best in (0, position.step):
        return position.step
    checkpoints.restore_weights(setup.checkpoints, best, setup.model)
    return best


def plan(setup: Setup) -> Schedule:
    """Which rows each step takes."""
    training = setup.spec.training
    return Schedule.plan(
        len(setup.training),
        training.rows_per_step,
        training.epochs,
        training.max_steps,
        training.seed,
    )


def _with_held_out(
    setup: Setup, report: Report, fit: Fit, on_words: Callable[[str], None]
) -> tuple[Report, Fit]:
    """The report with what the held-out rows tell, and the fit that did; training state stays as it is."""
    choice, context = setup.spec.objective, setup.numbers.context
    loss, measure = loss_of(choice), measure_of(choice)
    rows = setup.ranks.share(setup.held_out)

    def attempt(fit: Fit) -> tuple[float, Tensor]:
        total, sums = 0.0, torch.zeros((), dtype=torch.float64)
        for batch in step.with_baseline(batches_of(setup, rows, fit), gained, len(setup.held_out)):
            losses, counts = step.look(setup.model, loss, measure.count, batch, context())
            if not batch.is_idle:
                total += float(losses.total)
                sums = counts.cpu() + sums
        return total, sums

    was_training = setup.model.training
    setup.model.eval()
    gained, fit = _gained(setup, rows, fit, on_words)
    (total, sums), fit = _survive(setup, attempt, fit, on_words)
    sharding.hand_back(setup.model)
    setup.model.train(was_training)
    units = units_of(setup.held_out, choice.objective.layout)
    mean = setup.ranks.sums(total)[0] / units
    # A rank without a row does not know how many things are counted.
    counted = [each for each in setup.ranks.gather(sums) if each.ndim]
    figures = measure.figures(torch.stack(counted).sum(0), units, mean)
    return replace(report, held_out_loss=mean, held_out=figures), fit


def _one_step(
    setup: Setup,
    schedule: Schedule,
    optimizer: torch.optim.Optimizer,
    position: Position,
    fit: Fit,
    on_words: Callable[[str], None],
) -> tuple[Position, Report, Fit]:
    """One optimizer step over all its micro-batches."""
    training = setup.spec.training
    began = time.monotonic()
    share = optimizers.rate_share(
        position.step, schedule.total_steps, training.scheduler, training.warmup_ratio
    )
    rate = training.learning_rate * share * position.spikes.rate_factor
    optimizers.set_rate(optimizer, rate)
    rows = [setup.training[row] for row in schedule.rows_of(position.step)]
    units = units_of(rows, setup.spec.objective.objective.layout)
    scaling = position.scaling or Scaling.first(setup.numbers)
    scale = scaling.scale if scaling else 1.0
    gradients, fit = _gradients_of(setup, rows, units / scale, fit, on_words)
    if not setup.is_sharded:
        setup.ranks.add_gradients(optimizers.parameters(optimizer))
    total, tokens = setup.ranks.sums(gradients.total_loss, gradients.tokens)
    if scaling is not None:
        optimizers.unscale(optimizer, scale)
    norm = step.clip(optimizers.parameters(optimizer), training.max_grad_norm)
    loss, size = total / units, float(sharding.whole(norm))
    judgement, scaling = _judged(setup, position, scaling, loss, size)
    tuner, settings = setup.tuner, setup.spec.method.settings
    step.update(
        optimizer,
        applies=judgement.applies,
        observe=lambda: tuner.observe(setup.model, settings, position.step + 1),
    )
    seconds = time.monotonic() - began
    done = replace(
        position,
        step=position.step + 1,
        tokens=position.tokens + int(tokens),
        seconds=position.seconds + seconds,
        spikes=judgement.spikes,
        held_out=position.held_out.after_step(loss) if judgement.applies else position.held_out,
        scaling=scaling,
    )
    report = Report(
        step=done.step,
        total_steps=schedule.total_steps,
        epoch=round(done.step / schedule.steps_per_epoch, 4),
        loss=loss,
        learning_rate=rate,
        grad_norm=size,
        tokens_per_second=tokens / max(seconds, 1e-9),
        warning=judgement.words,
    )
    return done, report, fit


def _judged(
    setup: Setup, position: Position, scaling: Scaling | None, loss: float, size: float
) -> tuple[spikes.Judgement, Scaling | None]:
    """Whether a step with this loss and gradient is taken, and how the next one is scaled."""
    overflowed = scaling is not None and scaling.overflows(loss, size)
    judgement = (
        spikes.passed_over(position.spikes)
        if overflowed
        else spikes.judge(position.spikes, loss, size, setup.spec.training, position.step + 1)
    )
    return judgement, scaling and scaling.after(overflowed=overflowed)


@dataclass(frozen=True)
class _Gradients:
    """What the micro-steps of one step gave; the gradients themselves lie in the parameters."""

    losses: list[Tensor]
    tokens: int

    @property
    def total_loss(self) -> float:
        """The losses of all units: here the device is waited for, once a step."""
        return float(torch.stack(self.losses).sum()) if self.losses else 0.0


def _gradients_of(
    setup: Setup,
    rows: Sequence[Encoded],
    units: float,
    fit: Fit,
    on_words: Callable[[str], None],
) -> tuple[_Gradients, Fit]:
    """This rank's part of the gradients of a step's `rows`, each divided by `units`, and the fit that did."""
    own = setup.ranks.share(rows)
    if setup.spec.training.tokens_per_batch is not None and not setup.packed:
        own = by_length(own)
    gained, fit = _gained(setup, own, fit, on_words)
    return _survive(
        setup,
        lambda fit: _gradients(
            setup, step.with_baseline(batches_of(setup, own, fit), gained, len(rows)), units
        ),
        fit,
        on_words,
    )


def _gradients(setup: Setup, batches: Sequence[Batch], units: float) -> _Gradients:
    loss, context = loss_of(setup.spec.objective), setup.numbers.context
    total = functools.partial(setup.tuner.total, settings=setup.spec.method.settings)
    losses = [
        step.micro_step(setup.model, loss, batch, units, context(), total).total
        for batch in batches
    ]
    return _Gradients(
        [each for each, batch in zip(losses, batches, strict=True) if not batch.is_idle],
        sum(batch.tokens for batch in batches),
    )


def _gained(
    setup: Setup, rows: Sequence[Encoded], fit: Fit, on_words: Callable[[str], None]
) -> tuple[Tensor | None, Fit]:
    """What this rank's rows told all ranks before the step begins; None where losses ask for nothing."""
    if setup.training[0].mismatched is None:
        return None, fit
    own, fit = _survive(
        setup,
        lambda fit: step.gains(setup.model, batches_of(setup, rows, fit), setup.numbers.context),
        fit,
        on_words,
    )
    total = torch.zeros(()) if own is None else own.cpu()
    return setup.ranks.sum(total).to(setup.device), fit


def _survive(
    setup: Setup, attempt: Callable[[Fit], Result], fit: Fit, on_words: Callable[[str], None]
) -> tuple[Result, Fit]:
    """`attempt(fit)`, with a smaller fit where memory runs out; ranks in step can only stop together."""
    if setup.is_sharded:
        return attempt(fit), fit
    return survive(attempt, fit, setup.model, on_words)


def batches_of(setup: Setup, rows: Sequence[Encoded], fit: Fit) -> list[Batch]:
    """This rank's `rows` as it takes them; ranks in step take equally many, the last of them idle."""
    batches = _batches(setup, rows, fit)
    if not setup.is_sharded:
        return batches
    missing = setup.ranks.most(len(batches)) - len(batches)
    return [
        *batches,
        *[batch.idle() for batch in _batches(setup, setup.training[:1], fit)] * missing,
    ]


def _batches(setup: Setup, rows: Sequence[Encoded], fit: Fit) -> list[Batch]:
    """Rows as micro-batches on the device, in the rows' order."""
    layout = setup.spec.objective.objective.layout
    batches = []
    for group in groups(
        rows, fit.rows_at_a_time, fit.tokens_at_a_time, packed=setup.packed, layout=layout
    ):
        batch = batch_of(
            group,
            packed=setup.packed,
            pad_id=setup.pad_id,
            start_id=setup.start_id,
            layout=layout,
        ).to(setup.device)
        if setup.lower is not None:
            batch = setup.lower.entered(batch, group, setup.numbers.context)
        batches.append(batch)
    return batches


def _wants_evaluation(setup: Setup, schedule: Schedule, steps_done: int) -> bool:
    every = setup.spec.training.eval_every
    if not setup.held_out or every == "never":
        return False
    if steps_done == schedule.total_steps or every == "epoch":
        return schedule.ends_epoch(steps_done - 1)
    return steps_done % int(every) == 0
