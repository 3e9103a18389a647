"""Latency for `bench estimate`: how soon figures follow a change, beside what any page's handler takes."""

from __future__ import annotations

import contextlib
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio import libraries
from tests.benchmarks._cells import Cell

Found = Mapping[str, Mapping[str, Any]]
MOVES = 60
# Bounds: milliseconds over the bare handler; counts, milliseconds; memory, CPU seconds.
OVER_BARE_MS, COUNTS_MS, MEMORY_S = 20.0, 300.0, 2.0
CHANGES: dict[str, Any] = {
    "rank": {"name": "lora", "rank": 8},
    "ia3": "ia3",
    "houlsby": "houlsby",
    "full": "full",
    "prefix_tuning": "prefix_tuning",
}
SIZES: dict[str, dict[str, Any]] = {
    "135M": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
             "vocab_size": 49152, "num_attention_heads": 9, "num_key_value_heads": 3,
             "tie_word_embeddings": True},
    "8B": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
           "vocab_size": 128256, "num_attention_heads": 32, "num_key_value_heads": 8},
    "70B": {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80,
            "vocab_size": 128256, "num_attention_heads": 64, "num_key_value_heads": 8},
    "405B": {"hidden_size": 16384, "intermediate_size": 53248, "num_hidden_layers": 126,
             "vocab_size": 128256, "num_attention_heads": 128, "num_key_value_heads": 8},
}  # fmt: skip


def cells() -> dict[str, Cell]:
    """The sliders once the surface is there, and each change on each size of model."""
    found: dict[str, Cell] = {"latency sliders": _sliders}
    for size in SIZES:
        found[f"latency change {size}"] = functools.partial(_changes, size)
    return found


def report(found: Found) -> bool:
    """Print them; True where all are within their bounds."""
    good = True
    for name, cell in found.items():
        if name == "latency sliders":
            over = cell["slider_p95_ms"] - cell["bare_p95_ms"]
            cpu = cell["worker_p95_cpu_ms"]
            good &= over <= OVER_BARE_MS
            print(
                f"batch and length sliders: p95 {cell['slider_p95_ms']:.1f} ms (median "
                f"{cell['slider_median_ms']:.1f}), a bare handler's {cell['bare_p95_ms']:.1f} (median "
                f"{cell['bare_median_ms']:.1f}): +{over:.1f} (limit 20); the worker's CPU {cpu:.1f} ms; "
                f"the surface took {cell['surface_cpu_s']:.1f} CPU s"
            )
            continue
        counts = max(change["counts_cpu_ms"] for change in cell["changes"].values())
        memory = max(change["memory_cpu_s"] for change in cell["changes"].values())
        good &= counts <= COUNTS_MS and memory <= MEMORY_S
        print(
            f"{name}: counts at most {counts:.0f} CPU ms (limit 300), memory at most {memory:.2f} CPU s "
            "(limit 2): "
            + ", ".join(
                f"{change} {took['counts_cpu_ms']:.0f} ms, {took['memory_cpu_s']:.2f} s"
                for change, took in cell["changes"].items()
            )
        )
    return good


def _changes(size: str) -> dict[str, Any]:
    """A method after another on a base that is known; each from its configuration alone."""
    # As the model worker does: what was imported is not gone through again by Python's collector.
    with libraries.importing():
        import torch
        import transformers

        from studio.estimator.blueprint import Plan
        from studio.estimator.deep import DeepModel
        from studio.estimator.microbatch import micro_batch
        from studio.spec import TrainSpec
        from studio.training.loading import choose_numbers
        from tests.studio.estimator.configurations import make_rows

    batch = micro_batch(make_rows(500, 400, 300, 200), packed=True)
    changes = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        config = transformers.LlamaConfig(**SIZES[size], max_position_embeddings=8192)
        config.save_pretrained(folder)

        def model(method: Any) -> tuple[DeepModel, Callable[[], Any]]:
            spec = TrainSpec.parse({"method": method})
            trains = spec.method.method.family == "full"
            numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=trains)
            found = DeepModel.of(folder, Plan.of(spec, numbers))
            return found, lambda: found.step_cost(spec, batch, numbers)

        first, simulate = model("lora")
        first.counts()
        simulate()
        for change, method in CHANGES.items():
            began = time.process_time()
            found, simulate = model(method)
            found.counts()
            counted = time.process_time()
            simulate()
            changes[change] = {
                "counts_cpu_ms": 1000 * (counted - began),
                "memory_cpu_s": time.process_time() - counted,
            }
    return {"changes": changes}


def _sliders() -> dict[str, Any]:
    """Moves of both sliders through the page's own handler in a real server, between bare ones."""
    from studio.estimator.surfaces import SURFACES
    from studio.spec import TrainSpec
    from studio.worker.answering import estimated, soon
    from tests import tiny

    with tempfile.TemporaryDirectory() as place, tiny_bench(Path(place)) as bench:
        folder = Path(place)
        model = tiny.make_model(folder / "model", layers=8, hidden=256)
        data = tiny.write_csv(folder / "rows.csv", 4_000)

        def spec(batch: int, length: int) -> TrainSpec:
            training = {"batch_size": batch, "max_length": length, "precision": "fp32"}
            asked = {"model": {"source": str(model)}, "data": {"path": str(data)}}
            return TrainSpec.parse({**asked, "training": training})

        estimated(bench, spec(4, 512), None)
        began = time.process_time()
        while SURFACES.has_work:
            SURFACES.work()
        surface = time.process_time() - began
        cpu, moves = [], [(2 + move % 15, 512 - 7 * (move % 60)) for move in range(MOVES)]

        def slider(batch: int, length: int) -> str:
            began = time.process_time()
            found = soon(bench, spec(batch, length))
            cpu.append(1000 * (time.process_time() - began))
            assert "memory" in found, "the surface should have told it"
            return str(found["memory"]["peak_bytes"])

        bare, taken = _through_gradio(slider, moves)
    return {
        "slider_p95_ms": _p95(taken),
        "slider_median_ms": statistics.median(taken),
        "bare_p95_ms": _p95(bare),
        "bare_median_ms": statistics.median(bare),
        "worker_p95_cpu_ms": _p95(cpu),
        "surface_cpu_s": surface,
    }


@contextlib.contextmanager
def tiny_bench(place: Path) -> Iterator[Any]:
    """A worker's bench in this process."""
    from studio.settings import Home
    from studio.worker.bench import Bench

    yield Bench(Home(place / "home").prepare(), 10**8)


def _through_gradio(
    slider: Callable[[int, int], str], moves: list[tuple[int, int]]
) -> tuple[list[float], list[float]]:
    """Milliseconds of a handler that does nothing, and of the slider's, one after the other in turn."""
    import gradio as gr
    from gradio_client import Client

    with gr.Blocks() as app:
        batch, length, said = gr.Number(), gr.Number(), gr.Textbox()
        batch.change(lambda b, n: str(b + n), [batch, length], said, queue=False, api_name="bare")
        length.change(
            lambda b, n: slider(int(b), int(n)),
            [batch, length],
            said,
            queue=False,
            api_name="slider",
        )
    app.launch(prevent_thread_lock=True, quiet=True)
    client = Client(app.local_url, verbose=False)
    times: dict[str, list[float]] = {"/bare": [], "/slider": []}
    for move in moves:
        for name in times:
            began = time.perf_counter()
            client.predict(*move, api_name=name)
            times[name].append(1000 * (time.perf_counter() - began))
    app.close()
    return times["/bare"], times["/slider"]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]
