"""The losses of the objective `preference`, one function an algorithm, each summed over the rows.

Throughout: r is the log-probability of an answer, summed over its tokens, n their number, a = r / n;
w and l stand for the wanted and the unwanted answer, ref for the reference model, σ for the logistic
function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from studio.objectives.preference import Settings
from studio.training.batching import Batch
from studio.training.likelihood import lengths, log_probabilities


@dataclass(frozen=True)
class Answers:
    """Of the S answers of a batch, wanted ones first: `scores` r, `gains` r - r_ref, `tokens` n."""

    scores: Tensor
    gains: Tensor
    tokens: Tensor

    @classmethod
    def of(cls, logits: Tensor, batch: Batch) -> Answers:
        """The answers of a batch, given its logits."""
        assert batch.reference is not None, "a batch of whole answers"
        scores = log_probabilities(logits, batch)
        return cls(scores, scores - batch.reference, lengths(batch))


def preference(logits: Tensor, batch: Batch, settings: Settings) -> Tensor:
    """The loss of the algorithm that the settings name."""
    return _LOSSES[settings.algorithm](Answers.of(logits, batch), batch, settings)


def margins(logits: Tensor, batch: Batch, settings: Settings) -> Tensor:
    """`(rows,)`: how far the model leans the way that people did; above 0 is the right way."""
    return _MARGINS[settings.algorithm](Answers.of(logits, batch), batch, settings)


def _dpo_margin(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """β ((r_w - ref_w) - (r_l - ref_l))."""
    wanted, unwanted = answers.gains.chunk(2)
    return settings.strength * (wanted - unwanted)


def _dpo(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """-(1 - ε) log σ(m) - ε log σ(-m), m the margin, ε the share marked wrongly.

    Rafailov et al. 2023, arXiv:2305.18290, equation 7; ε: Mitchell 2023, the note on cDPO.
    """
    margin, wrong = _dpo_margin(answers, batch, settings), settings.label_smoothing
    return -((1 - wrong) * logsigmoid(margin) + wrong * logsigmoid(-margin)).sum()


def _ipo_margin(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """(r_w - ref_w) / n_w - (r_l - ref_l) / n_l."""
    wanted, unwanted = (answers.gains / answers.tokens).chunk(2)
    return wanted - unwanted


def _ipo(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """(m - 1 / (2 β))²: Azar et al. 2023, arXiv:2310.12036, equation 17.

    By the mean a token instead of the sum, without which long answers are pushed hardest.
    """
    target = 1 / (2 * settings.strength)
    return (_ipo_margin(answers, batch, settings) - target).square().sum()


def _odds_margin(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """log odds(w) - log odds(l), odds = p / (1 - p) of the mean probability p = exp(a)."""
    means = answers.scores / answers.tokens
    # log(1 - exp(a)), exact also where a is nearly 0.
    wanted, unwanted = (means - torch.log(-torch.expm1(means.clamp(max=-1e-6)))).chunk(2)
    return wanted - unwanted


def _orpo(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """-a_w - β log σ(m): Hong et al. 2024, arXiv:2403.07691, equations 6 and 7."""
    wanted, _ = (answers.scores / answers.tokens).chunk(2)
    odds = logsigmoid(_odds_margin(answers, batch, settings))
    return -(wanted + settings.strength * odds).sum()


def _simpo_margin(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """β (a_w - a_l)."""
    wanted, unwanted = (answers.scores / answers.tokens).chunk(2)
    return settings.strength * (wanted - unwanted)


def _simpo(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """-log σ(m - γ): Meng et al. 2024, arXiv:2405.14734, equation 6."""
    return -logsigmoid(_simpo_margin(answers, batch, settings) - settings.margin).sum()


def _kto_margin(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """s β (r - ref - z0), s = 1 for good answers and -1 for bad ones."""
    assert batch.weights is not None, "a batch of whole answers"
    baseline = 0.0 if batch.baseline is None else batch.baseline
    return batch.weights.sign() * settings.strength * (answers.gains - baseline)


def _kto(answers: Answers, batch: Batch, settings: Settings) -> Tensor:
    """λ (1 - σ(m)): Ethayarajh et al. 2024, arXiv:2402.01306, equation 8.

    z0 is measured over the whole step (`step.with_baseline`) and passes no gradient.
    """
    assert batch.weights is not None, "a batch of whole answers"
    margin = _kto_margin(answers, batch, settings)
    return (batch.weights.abs() * (1 - margin.sigmoid())).sum()


_Part = Callable[[Answers, Batch, Settings], Tensor]
_LOSSES: dict[str, _Part] = {
    "dpo": _dpo,
    "ipo": _ipo,
    "orpo": _orpo,
    "simpo": _simpo,
    "kto": _kto,
}
_MARGINS: dict[str, _Part] = {
    "dpo": _dpo_margin,
    "ipo": _ipo_margin,
    "orpo": _odds_margin,
    "simpo": _simpo_margin,
    "kto": _kto_margin,
}

LOSS = preference
