"""The benchmark's figures, as the file gives them."""

from __future__ import annotations

from studio.methods.benchmark import best, runs


def test_all_runs_are_read_the_best_first() -> None:
    accuracies = [run.accuracy for run in runs().values()]

    assert len(accuracies) == 63
    assert accuracies == sorted(accuracies, reverse=True)


def test_a_method_has_its_best_run_or_none() -> None:
    lora, full = best("lora"), best("full")

    assert lora is not None
    assert lora.name == "lora:rank64-rslora"
    assert full is not None
    assert full.memory_gb == 36.2
    assert best("houlsby") is None
