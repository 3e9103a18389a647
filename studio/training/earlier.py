"""Earlier adapters: merged into a base, learning on in a new training, or summed by weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import peft
import safetensors.torch
from peft.tuners.lora import LoraLayer
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor, nn

from studio.errors import StudioError
from studio.models.fingerprints import fingerprint_folder
from studio.settings import Home
from studio.spec import Earlier, MethodChoice
from studio.training import adapters
from studio.training.tensors import first_difference
from studio.training.tuners import tuner_of
from studio.training.tuners.plain_lora import Factors, write

# Where in an export the adapters lie that are merged into the base first, numbered from 0.
BENEATH = "beneath"
_SUM = "sum"


def folder_of(earlier: Earlier, home: Home) -> Path:
    """Where an earlier adapter is kept. Raises StudioError where it is gone or was changed."""
    folder = home.adapter(earlier.revision)
    if not folder.is_dir() or fingerprint_folder(folder) != earlier.revision:
        raise StudioError(
            f"The adapter of training {earlier.run} ({earlier.title}), which was kept in {folder}, is gone "
            "or was changed. Start this training anew: the adapter is then kept again.",
            code="adapter",
        )
    return folder


def merged_into(base: nn.Module, folders: Iterable[Path]) -> nn.Module:
    """`base` with the adapters in `folders` as part of its weights, one after the other.

    Raises StudioError where one does not fit or cannot be merged.
    """
    for folder in folders:
        base = adapters.merge(adapters.load(base, folder))
        vars(base).pop("peft_config", None)
    return base


def beneath_in(export: Path) -> list[Path]:
    """The adapters of an export that are merged into the base first, in their order."""
    folder = export / BENEATH
    return sorted(folder.iterdir(), key=lambda place: int(place.name)) if folder.is_dir() else []


def begin_as(model: nn.Module, folder: Path, choice: MethodChoice) -> None:
    """Give the method on `model` every number of the adapter in `folder`.

    Raises StudioError, naming the first tensor, where one is missing, too many or of another shape.
    """
    given = tuner_of(choice).read(folder)
    wanted: Mapping[str, Tensor] = peft.get_peft_model_state_dict(
        model, save_embedding_layers=False
    )
    wrong = first_difference(given, wanted)
    if wrong is not None:
        raise StudioError(
            f"The earlier adapter does not fit {choice.method.title} with these settings: {wrong}. Use the "
            'settings that it was trained with, or model.adapter_use "merge".',
            code="adapter",
        )
    peft.set_peft_model_state_dict(model, given)


def write_sum(
    base: nn.Module,
    parts: Sequence[tuple[Path, float]],
    rank: int | None,
    folder: Path,
    base_name: str,
) -> None:
    """Write into `folder` the adapter that is the weighted sum of those in `parts`, by PEFT.

    Of LoRA the sum of what is added to the weights, exactly, its rank that of all parts together; with
    `rank` the nearest of that rank. Of (IA)³ the sum of the factors.
    """
    names = [f"part{number}" for number in range(len(parts))]
    model: Any = adapters.load(base, parts[0][0], names[0])
    for name, (place, _) in zip(names[1:], parts[1:], strict=True):
        if not adapters.load_beside(model, place, name):
            raise StudioError(
                "PEFT cannot hold these adapters on one base, so they cannot be combined.",
                code="combine",
            )
    weights = [weight for _, weight in parts]
    for config in model.peft_config.values():
        config.base_model_name_or_path = base_name
    if model.peft_config[names[0]].peft_type == peft.PeftType.LORA:
        _sum_lora(model, names, weights, rank)
        write(model, folder, _factors(model), _SUM)
        return
    model.add_weighted_adapter(names, weights, _SUM)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = peft.get_peft_model_state_dict(model, adapter_name=_SUM, save_embedding_layers=False)
    safetensors.torch.save_file(
        {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()},
        folder / SAFETENSORS_WEIGHTS_NAME,
        metadata={"format": "pt"},
    )
    model.peft_config[_SUM].inference_mode = True
    model.peft_config[_SUM].save_pretrained(str(folder))


def _sum_lora(model: Any, names: list[str], weights: list[float], rank: int | None) -> None:
    for config in model.peft_config.values():
        # Ranks and scales of single modules are in the layers by now; of the sum they would be wrong.
        config.r = max([config.r, *config.rank_pattern.values()])
        config.rank_pattern, config.alpha_pattern, config.use_rslora = {}, {}, False
        config.lora_dropout = 0.0
    model.add_weighted_adapter(
        names,
        weights,
        _SUM,
        combination_type="cat" if rank is None else "svd",
        svd_rank=rank,
        svd_full_matrices=False,
    )


def _factors(model: Any) -> dict[str, Factors]:
    """The sum in each layer, by its full name in the base."""
    return {
        name: Factors(
            layer.lora_A[_SUM].weight, layer.lora_B[_SUM].weight, float(layer.scaling[_SUM])
        )
        for name, layer in model.get_base_model().named_modules()
        if isinstance(layer, LoraLayer) and _SUM in layer.lora_A
    }
