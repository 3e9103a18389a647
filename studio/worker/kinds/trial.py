"""The kind `trial`: one real step of a training on a few of the model's layers, with random weights."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from studio.devices import machine
from studio.errors import StudioError
from studio.estimator.estimate import numbers_on
from studio.estimator.twin import Trial, try_out
from studio.spec import TrainSpec
from studio.worker.bench import Base, Bench
from studio.worker.kinds.kind import Kind
from studio.worker.rows import encoded_rows, settled

# A person goes back and forth between a few settings.
_KEPT = 64
# What a trial does not depend on: the same settings on other rows for the same goal go as well, however
# long, fast and in what portions they are trained on.
_IRRELEVANT = ("name", "data", "loggers")
_IRRELEVANT_TO_A_STEP = (
    *("epochs", "learning_rate", "scheduler", "warmup_ratio", "seed"),
    *("batch_size", "gradient_accumulation", "tokens_per_batch", "max_length"),
    *("eval_every", "early_stopping", "on_spike"),
    *("keep_checkpoints", "checkpoint_bytes", "layer_cache_bytes"),
)
_trials: OrderedDict[str, Trial] = OrderedDict()


def answer(bench: Bench, spec: dict[str, Any]) -> dict[str, Any]:
    """`{"works", "words", "layers"}`; `works` is None where it could not be tried."""
    parsed, _ = settled(bench, TrainSpec.parse(spec))
    base = bench.base(parsed.model.source, parsed.model.revision)
    document = parsed.to_json()
    relevant = {name: document[name] for name in document if name not in _IRRELEVANT}
    relevant["training"] = {
        name: value
        for name, value in document["training"].items()
        if name not in _IRRELEVANT_TO_A_STEP
    }
    key = json.dumps([str(base.place), relevant], sort_keys=True)
    if key not in _trials:
        trial = _try(bench, parsed, base)
        if trial.works is None:
            # With rows, or with more memory free, it may be another time.
            return trial.to_json()
        _trials[key] = trial
        while len(_trials) > _KEPT:
            _trials.popitem(last=False)
    return _trials[key].to_json()


def _try(bench: Bench, spec: TrainSpec, base: Base) -> Trial:
    here = machine(bench.home.folder)
    rows = encoded_rows(bench, spec, base)
    try:
        tokenizer = bench.tokenizer(base)
    except StudioError:
        tokenizer = None
    return try_out(
        spec,
        base.place,
        numbers_on(spec, here.device_for(spec.training.devices)),
        rows.training if rows else None,
        free_bytes=here.device_for("cpu").free_bytes,
        tokenizer=tokenizer,
    )


KIND = Kind("model", answer)
