"""The matrix: what a method can do on an architecture in a number format, tried on a small random model."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from studio.errors import AskedWrongly, StudioError
from studio.methods import METHODS
from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, attention, loading, loop, probe, quantized
from studio.training.heads import Head
from studio.training.loop import Setup
from studio.training.recomputing import recompute
from studio.verification.reference import logits_of
from tests.studio.estimator.configurations import make_folder

# Whose head, which begins at random, trains beside every adapter.
_HEADED = {"bert"}
_OBJECTIVES = {"bert": {"name": "classification", "labels": ["0", "1", "2"]}, "t5": "seq2seq"}
_VOCABULARY = 512
# Where a method's default is made for wider layers than these.
_SMALL: dict[str, dict[str, Any]] = {
    "shira": {"rank": 4},
    "waveft": {"frequencies": 200, "scaling": 2.0},
    "fourierft": {"frequencies": 200, "scaling": 10.0},
    "diff_pruning": {"sparsity": 0.05},
    "intrinsic_prompt": {"virtual_tokens": 10, "dimension": 50},
}
_ROWS = 6
STEPS = 6
_MORE = 4


@dataclass(frozen=True)
class Cell:
    """What came of one combination: `refused` with its reason, or what was found; `wrong` names what failed.

    `unmerged` is the reason where merging alone is refused.
    """

    method: str
    architecture: str
    format: str
    refused: str = ""
    trainable: int = 0
    loss_before: float = 0.0
    loss_after: float = 0.0
    reload: float | None = None
    merge: float | None = None
    recompute: float | None = None
    unmerged: str = ""
    wrong: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The cell as JSON data."""
        return asdict(self)


@dataclass
class _Found:
    wrong: list[str] = field(default_factory=list)

    def hold(self, name: str, is_right: bool) -> None:
        if not is_right:
            self.wrong.append(name)


def spec_of(
    method: str, architecture: str, format_name: str, rate: float, **training: Any
) -> TrainSpec:
    """The spec of one cell. Raises AskedWrongly where settings alone speak against it."""
    held = format_name if format_name in ("nf4", "fp4", "int8") else "none"
    return TrainSpec.parse(
        {
            "method": {"name": method, **_SMALL.get(method, {})},
            "model": {"quantization": held},
            "objective": _OBJECTIVES.get(architecture, "chat"),
            "training": {
                "precision": "bf16" if format_name == "bf16" else "fp32",
                "learning_rate": rate,
                "batch_size": 3,
                "epochs": STEPS // 2,
                "scheduler": "constant",
                "warmup_ratio": 0.0,
                "eval_every": "epoch",
                **training,
            },
        }
    )


@functools.cache
def weights(architecture: str) -> tuple[Path, Any]:
    """A folder with the small random model of an architecture; built once a process."""
    folder = Path(tempfile.mkdtemp(prefix="matrix-")) / architecture
    make_folder(architecture, folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    spec = spec_of("lora", architecture, "fp32", 1e-3)
    torch.manual_seed(0)
    head = Head.of(spec.objective)
    config.update(head.config)
    if head.labels:
        config.pad_token_id = 0
    model = head.kind.builder.from_config(config)
    if head.labels:
        # As it begins it hardly looks at what lies below it, and no adapter could change the loss.
        nn.init.normal_(model.classifier.weight)
    model.save_pretrained(folder)
    return folder, head


def base_of(architecture: str, spec: TrainSpec) -> nn.Module:
    """The base as the trainer loads it."""
    folder, head = weights(architecture)
    numbers = _numbers(spec)
    return loading.load_base(folder, numbers.weights, held=spec.model, head=head)


def _numbers(spec: TrainSpec) -> Any:
    is_full = spec.method.method.family == "full"
    device = torch.device("cpu")
    return loading.choose_numbers(spec.training.precision, device, trains_weights=is_full)


def rows(architecture: str) -> list[Encoded]:
    """A few rows to learn by heart."""
    made = []
    for number in range(_ROWS):
        # Begun with the tokens that most of these configurations begin and end a text with.
        ids = [1, 2]
        ids += [(7 * place + 13 * number + 3) % _VOCABULARY for place in range(4 + 2 * number)]
        untrained = [0] * len(ids)
        row = {
            "bert": Encoded(ids, untrained, target=(number % 3,)),
            "t5": Encoded(ids, untrained, target=tuple(ids[:4])),
        }.get(architecture, Encoded(ids, [0, 0] + [1] * (len(ids) - 2)))
        made.append(row)
    return made


def setup(architecture: str, spec: TrainSpec, folder: Path) -> Setup:
    """A run of one cell made ready."""
    _, head = weights(architecture)
    base = base_of(architecture, spec)
    packs = spec.may_pack and head.layout == "tokens" and probe.can_pack(base, _VOCABULARY)
    model = adapters.attach(base, spec.method, seed=0, head=head)
    recompute(model, spec.training.recomputed_share)
    return Setup(
        spec,
        model,
        torch.device("cpu"),
        _numbers(spec),
        rows(architecture),
        rows(architecture),
        packs,
        0,
        folder,
        start_id=loading.start_id(base),
    )


def trial(method: str, architecture: str, format_name: str) -> Cell:
    """Try everything that the method says it can do; what is refused must be refused in words."""
    rate = METHODS[method].learning_rate
    try:
        spec = spec_of(method, architecture, format_name, min(10 * rate, max(rate, 0.02)))
        with tempfile.TemporaryDirectory() as folder:
            return _tried(spec, architecture, format_name, Path(folder))
    except AskedWrongly as error:
        reason = error.fields[0].words if error.fields else error.words
        return Cell(method, architecture, format_name, refused=reason)


def _tried(spec: TrainSpec, architecture: str, format_name: str, folder: Path) -> Cell:
    found = _Found()
    straight = setup(architecture, spec, folder / "straight")
    row, choice = straight.training[-1], spec.objective
    base = _logits(base_of(architecture, spec), row, choice)
    before, after = _train(straight)
    if architecture in _HEADED and adapters.has_adapter(straight.model):
        # The head trains too, and alone it would lower the loss.
        before, after = _train(_without_head(setup(architecture, spec, folder / "headless")))
    if after >= before:
        before, after = _train_longer(spec, architecture, folder)
    found.hold("learns", after < before)
    tuned = _logits(_attending_plainly(straight.model), row, choice)
    found.hold("changes the answers", bool((tuned - base).abs().max() > 0))
    if straight.packed:
        found.hold("packs", probe.can_pack(straight.model, _VOCABULARY))
        _attending_plainly(straight.model)
    found.hold("resumes exactly", _resumes(spec, architecture, folder, straight))
    reload = merged = recompute = None
    unmerged = ""
    if adapters.has_adapter(straight.model):
        adapters.save(straight.model, folder / "saved", base_name="Tiny", choice=spec.method)
        loaded = adapters.load(base_of(architecture, spec), folder / "saved").eval()
        reload = _relative(_logits(loaded, row, choice), tuned)
        found.hold("reloads", reload <= _RELOADS.get(spec.method.name, 0.0))
        with adapters.without(loaded) as alone:
            found.hold("leaves the base", _relative(_logits(alone, row, choice), base) <= 1e-6)
        if spec.method.method.is_mergeable:
            try:
                merged = _merged(loaded, straight.training, spec, format_name, found)
            except StudioError as refusal:
                unmerged = refusal.words
    if format_name == "fp32" and spec.method.method.recomputes:
        recompute = _recomputed(spec, architecture, folder)
        found.hold("recomputes", recompute <= 1e-4)
    return Cell(
        spec.method.name,
        architecture,
        format_name,
        trainable=adapters.count(straight.model).trainable,
        loss_before=before,
        loss_after=after,
        reload=reload,
        merge=merged,
        recompute=recompute,
        unmerged=unmerged,
        wrong=tuple(found.wrong),
    )


def _attending_plainly(model: Any) -> nn.Module:
    """A trained model as it answers: its rows are no longer packed."""
    attention.stop_using(model.get_base_model() if adapters.has_adapter(model) else model)
    return model  # type: ignore[no-any-return]


# Saved in a plainer form than it was trained in, it is rounded once more.
_RELOADS = {"adalora": 1e-6}


def _train(ready: Setup, stop_after: int | None = None) -> tuple[float, float]:
    """Run the loop; the mean loss of all rows before and after, as the model answers."""
    reports: list[loop.Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    losses = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    return (losses[0], losses[-1]) if losses else (0.0, 0.0)


def _train_longer(spec: TrainSpec, architecture: str, folder: Path) -> tuple[float, float]:
    """The losses over more passes: what starts with a whole step (DeLoRA's change has its full length at
    once) shakes a small random model first."""
    document = spec.to_json()
    training = {**document["training"], "epochs": _MORE * spec.training.epochs}
    longer = TrainSpec.parse({**document, "training": training})
    return _train(_without_head(setup(architecture, longer, folder / "longer")))


def _without_head(ready: Setup) -> Setup:
    """The run with its head, if it has one, frozen beside the adapter: what is learned, the adapter learns."""
    for name, value in adapters.trainable(ready.model):
        if "modules_to_save" in name:
            value.requires_grad_(False)
    return ready


def _resumes(spec: TrainSpec, architecture: str, folder: Path, straight: Setup) -> bool:
    _train(setup(architecture, spec, folder / "cut"), stop_after=3)
    resumed = setup(architecture, spec, folder / "cut")
    _train(resumed)
    theirs = dict(adapters.trainable(straight.model))
    ours = dict(adapters.trainable(resumed.model))
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], value) for name, value in theirs.items()
    )


def _merged(
    loaded: Any, every: list[Encoded], spec: TrainSpec, format_name: str, found: _Found
) -> float:
    tuned = _of_all(loaded, every, spec.objective)
    model = adapters.merge(quantized.dequantize(loaded))
    merged = _of_all(model, every, spec.objective)
    if format_name == "bf16":
        divergence = _divergence(tuned, merged)
        # The most that was seen of any is 2.1e-4, of T5, whose logits are large.
        found.hold("merges", divergence <= 5e-4)
        found.hold("chooses alike", _choose_alike(tuned, merged))
        return divergence
    difference = _relative(merged, tuned)
    found.hold("merges", difference <= 1e-5)
    return difference


def _recomputed(spec: TrainSpec, architecture: str, folder: Path) -> float:
    """How far the weights of two steps lie apart, with and without recomputed activations.

    Relative to each weight's own size, or to a hundredth of the largest: the bias of T5's keys moves all
    scores of a row alike, so its true gradient is 0 and what it moved by is rounding.
    """
    document = spec.to_json()
    ends = []
    for recomputes in (False, True):
        training = {**document["training"], "gradient_checkpointing": recomputes, "epochs": 1}
        changed = TrainSpec.parse({**document, "training": {**training, "optimizer": "sgd"}})
        ready = setup(architecture, changed, folder / f"recomputes-{recomputes}")
        _train(ready)
        ends.append([value.detach() for _, value in adapters.trainable(ready.model)])
    least = max(float(value.abs().max()) for value in ends[1]) / 100
    return max(_relative(ours, theirs, least) for ours, theirs in zip(*ends, strict=True))


@torch.no_grad()
def _logits(model: nn.Module, row: Encoded, choice: Any) -> Tensor:
    return logits_of(model.eval(), row, choice)


def _of_all(model: nn.Module, every: list[Encoded], choice: Any) -> Tensor:
    return torch.cat([_logits(model, row, choice) for row in every])


def _relative(ours: Tensor, theirs: Tensor, least: float = 1e-12) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(least))


def _choose_alike(wanted: Tensor, found: Tensor) -> bool:
    """Whether the same comes first at 95 % of the positions, or at all but one of a few.

    What bf16 cannot tell from the first counts as first: within four of its steps of 2⁻⁸, beside the largest
    of the position's logits, since two logits of two computations are compared, each a step off. Those of a
    random model lie close together.
    """
    chosen = wanted.gather(-1, found.argmax(-1, keepdim=True))[..., 0]
    others = wanted.max(-1).values - chosen > wanted.abs().amax(-1) * 2**-6
    return int(others.sum()) <= max(1, others.numel() // 20)


def _divergence(wanted: Tensor, found: Tensor) -> float:
    left = wanted.log_softmax(-1)
    return float((left.exp() * (left - found.log_softmax(-1))).sum(-1).mean())
