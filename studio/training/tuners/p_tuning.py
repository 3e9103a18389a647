"""P-tuning: a learned prompt made by a network, which trains with it and is not saved."""

from studio.training.tuners.soft_prompt import SoftPrompt

TUNER = SoftPrompt()
