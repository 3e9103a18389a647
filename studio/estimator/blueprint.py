"""Blueprints: a base model with its method attached, built from the configuration, without any weights."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from transformers import AutoConfig

from studio.errors import ModelProblem
from studio.estimator import hollow
from studio.estimator.depth import (
    Depth,
    Sample,
    columns_of,
    depth_of,
    parted,
    stacks_of,
    treatments,
)
from studio.estimator.gguf_config import quick_config
from studio.estimator.thinning import thinned
from studio.models.architecture import CONFIG_NAME, from_config, read_config
from studio.spec import MethodChoice, ModelChoice, TrainSpec
from studio.training import adapters, attention, quantized
from studio.training.batching import PACKABLE
from studio.training.fused import fuse
from studio.training.heads import CAUSAL, Head
from studio.training.loading import Numbers
from studio.training.recomputing import recompute
from studio.training.replaced import replaced
from studio.training.survey import survey
from studio.training.tuners import tuner_of

# A person compares a few settings of one model; more are seldom wanted again. Each is built two or
# three times, of a different number of layers.
_KEPT, _KEPT_WHOLE = 18, 3


@dataclass(frozen=True)
class Plan:
    """What decides how a blueprint looks; whatever else a spec says does not change it."""

    method: MethodChoice
    dtype: torch.dtype
    attention: str
    recomputed_share: float = 0.0
    autocasts: bool = False
    packs: bool = True
    held: ModelChoice = field(default_factory=lambda: ModelChoice.model_validate({}))
    head: Head = CAUSAL

    @classmethod
    def of(cls, spec: TrainSpec, numbers: Numbers) -> Plan:
        """What a spec in these number formats looks like."""
        training = spec.training
        return cls(
            method=spec.method,
            dtype=numbers.weights,
            attention=training.attention,
            recomputed_share=training.recomputed_share,
            autocasts=numbers.autocast is not None,
            packs=spec.may_pack and spec.objective.objective.layout in PACKABLE,
            held=_only_held(spec.model),
            head=Head.of(spec.objective),
        )


def _only_held(choice: ModelChoice) -> ModelChoice:
    """How the base is held and nothing else: which base it is the blueprint knows by its file."""
    return ModelChoice.model_validate(
        {
            "quantization": choice.quantization,
            "double_quantization": choice.double_quantization,
        }
    )


@dataclass(frozen=True)
class Blueprint:
    """A model without values. `added` are the names of the parameters that the method brought.

    Its tensors are on the meta device; where operations are to choose their precision (autocast knows
    no meta device) they are fake tensors of the CPU. `without_values()` makes more of the same kind.
    """

    model: nn.Module
    added: frozenset[str]
    config: Any
    takes_positions: bool
    linear_modules: tuple[str, ...]
    fake: FakeTensorMode | None

    @contextmanager
    def without_values(self) -> Iterator[None]:
        """New tensors made inside hold no values and fit the model's."""
        with self.fake or contextlib.nullcontext(), torch.device("cpu" if self.fake else "meta"):
            yield


def blueprint(source: Path, plan: Plan, sample: Sample | None = None) -> Blueprint:
    """The blueprint of `source`, a folder with a config.json or a .gguf file; built once, then kept.

    With `sample`, of these of its layers alone.
    Raises ModelProblem when the configuration is incomplete or transformers cannot build it, and
    AskedWrongly when the method finds nothing to attach to.
    """
    return _blueprint(source, stamp_of(source), plan, sample)


def depth(source: Path, plan: Plan) -> Depth | None:
    """Which few layers of `source` tell of all; None where the model is as small as those, or where it
    is not known which layers the method chooses.

    Raises as `blueprint` does.
    """
    return _depth(source, stamp_of(source), plan)


def whole(source: Path, plan: Plan) -> nn.Module:
    """The base of `source` at full depth, not held in few bits, without a method; not to be changed."""
    return _whole(source, stamp_of(source), plan.head, plan.dtype, plan.attention)


def filled(source: Path, plan: Plan, sample: Sample | None) -> nn.Module:
    """The base of `source` with random weights, with these of its layers alone; not held in few bits.

    The layers keep the numbers that they have in the whole.
    """
    base = whole(source, plan) if sample is None else thinned(whole(source, plan), sample)
    torch.manual_seed(0)
    made = _base(copy.deepcopy(base.config), plan.head, plan.dtype, plan.attention, source)
    for path, numbers in sample.layers if sample else ():
        layers = made.get_submodule(path)
        layers._modules = dict(zip(map(str, numbers), layers._modules.values(), strict=True))
    return made


def stamp_of(source: Path) -> int:
    """When what a model is built from was changed last; 0 where it is not there."""
    file = source / CONFIG_NAME if source.is_dir() else source
    return file.stat().st_mtime_ns if file.exists() else 0


@functools.lru_cache(maxsize=_KEPT)
def _depth(source: Path, stamp: int, plan: Plan) -> Depth | None:
    base = whole(source, plan)
    treated = treatments(plan.method, survey(base, plan.head))
    if treated is None:
        return None
    stacks = stacks_of(base, treated)
    return depth_of(parted(stacks, plan.recomputed_share))


@functools.lru_cache(maxsize=_KEPT_WHOLE)
def _whole(source: Path, stamp: int, head: Head, dtype: torch.dtype, attention: str) -> nn.Module:
    # Building writes the kind of attention into the configuration, which is kept for other plans.
    config = copy.deepcopy(_config(source, stamp))
    with torch.device("meta"):
        return _base(config, head, dtype, attention, source)


@functools.lru_cache(maxsize=_KEPT)
def _blueprint(source: Path, stamp: int, plan: Plan, sample: Sample | None) -> Blueprint:
    base = whole(source, plan)
    base = copy.deepcopy(base) if sample is None else thinned(base, sample)
    config: Any = base.config
    with torch.device("meta"):
        takes_positions = "position_ids" in inspect.signature(base.forward).parameters
        base = quantized.hold(base, plan.held, plan.dtype)
        if plan.packs and takes_positions:
            _attend_by_document(base, (source, stamp, plan.head, plan.attention))
        linear = tuple(module.name for module in survey(base, plan.head).linear)
        model, added = _attached(base, plan)
    recompute(model, plan.recomputed_share, _depths(source, plan))
    fuse(model)
    fake = FakeTensorMode(allow_non_fake_inputs=True) if plan.autocasts else None
    if fake is not None:
        _become_fake(model, fake)
    return Blueprint(model.train(), added, config, takes_positions, linear, fake)


def _depths(source: Path, plan: Plan) -> dict[str, int]:
    """How many layers each stack of the whole base has, by its path."""
    return {path: len(layers) for path, layers in columns_of(whole(source, plan)).items()}


def _attached(base: nn.Module, plan: Plan) -> tuple[nn.Module, frozenset[str]]:
    """The base with its method, and the names of the parameters that the method brought."""
    tuner = tuner_of(plan.method)
    needs_values = tuner.needs_values
    if needs_values:
        base = hollow.filled_with_zeros(base)
    own = {id(parameter) for parameter in base.parameters()}
    first = contextlib.nullcontext() if needs_values else _without_first_values()
    as_lapack = replaced(torch.linalg, "svd", _svd(torch.linalg.svd))
    with torch.device("cpu" if needs_values else "meta"), tuner.outlined(), first, as_lapack:
        model = adapters.attach(base, plan.method, seed=0, head=plan.head)
    added = frozenset(name for name, value in model.named_parameters() if id(value) not in own)
    return (hollow.emptied(model) if needs_values else model), added


def _svd(original: Callable[..., Any]) -> Callable[..., Any]:
    """LAPACK lays all of U and V* out by columns, so that a part of V* is a copy; torch's kernel without
    values does as cuSOLVER, whose part would keep the whole alive."""

    def svd(matrix: Tensor, full_matrices: bool = True, **kwargs: Any) -> Any:
        u, s, v = original(matrix, full_matrices=full_matrices, **kwargs)
        return u, s, (v.mT.contiguous().mT if v.is_meta else v)

    return svd


# What torch.nn.init fills a tensor with.
_FIRST_VALUES = (
    *(
        "constant_",
        "eye_",
        "kaiming_normal_",
        "kaiming_uniform_",
        "normal_",
        "ones_",
        "orthogonal_",
    ),
    *("trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"),
)


@contextmanager
def _without_first_values() -> Iterator[None]:
    """Tensors without values are left alone: to fill them takes torch longer than to make them."""
    with contextlib.ExitStack() as stack:
        for name in _FIRST_VALUES:
            stack.enter_context(replaced(nn.init, name, lambda tensor, *args, **kwargs: tensor))
        yield


def _attend_by_document(base: nn.Module, of: Hashable) -> None:
    """As the trainer's probe decides it, as far as a model without values can tell; asked once a base."""
    if not attention.use(base):
        return
    if of not in _ATTENDS:
        _ATTENDS[of] = _attends(base)
    if not _ATTENDS[of]:
        attention.stop_using(base)


# Bases by file and head: whether they can attend by document.
_ATTENDS: dict[Hashable, bool] = {}


def _attends(base: nn.Module) -> bool:
    ids = torch.zeros((1, 2), dtype=torch.int64)
    try:
        with torch.no_grad():
            base(input_ids=ids, position_ids=ids, use_cache=False, documents=(1, 1))
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        return False
    return True


def _become_fake(model: nn.Module, mode: FakeTensorMode) -> None:
    """Make every tensor of `model` a fake one of the CPU; what was tied stays tied."""
    device, made = torch.device("cpu"), {}
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, value in held.items():
                if value is None or not value.is_meta:
                    continue
                if id(value) not in made:
                    fake: Any = FakeTensor(mode, value.detach(), device)
                    if isinstance(value, nn.Parameter):
                        fake = nn.Parameter(fake, requires_grad=value.requires_grad)
                    made[id(value)] = fake
                held[name] = made[id(value)]
    # PEFT counts a prompt's tokens in tensors that belong to no module.
    counted: dict[str, Any] = getattr(model, "prompt_tokens", {})
    for beside in (counted, *hollow.dictionaries(model)):
        for name, tensor in beside.items():
            if not isinstance(tensor, FakeTensor):
                beside[name] = FakeTensor(mode, tensor, device)


@functools.lru_cache(maxsize=_KEPT)
def _config(source: Path, stamp: int) -> Any:
    if source.is_dir():
        # transformers fills a missing size with a default of its own: another model without a word.
        from_config(read_config(source), source / CONFIG_NAME)
    try:
        config = _from_folder(source) if source.is_dir() else _from_gguf(source)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise ModelProblem(
            f"The installed transformers does not know the model in {source} ({_first_line(error)}). "
            "Choose a model of another kind, or a newer version of this program."
        ) from error
    config.use_cache = False
    return config


def _from_folder(folder: Path) -> Any:
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _from_gguf(path: Path) -> Any:
    return quick_config(path) or AutoConfig.from_pretrained(
        path.parent, gguf_file=path.name, local_files_only=True, trust_remote_code=False
    )


def _base(config: Any, head: Head, dtype: torch.dtype, attention: str, source: Path) -> nn.Module:
    options = {} if attention == "auto" else {"attn_implementation": attention}
    head.refuse_other_kinds(config)
    config.update(head.config)
    if head.labels and config.get_text_config().pad_token_id is None:
        config.get_text_config().pad_token_id = 0
    try:
        model: nn.Module = head.kind.builder.from_config(
            config, dtype=dtype, trust_remote_code=False, **options
        )
    except (
        ValueError, KeyError, TypeError, RuntimeError, AttributeError, ImportError, ZeroDivisionError,
    ) as error:  # fmt: skip
        raise ModelProblem(
            f"The configuration in {source} does not give a language model: {_first_line(error)}. "
            "Check its config.json against the one that the model came with."
        ) from error
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
