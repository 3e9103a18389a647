"""How methods live on a model, one file each where PEFT's own way is not all; this folder is their registry."""

from studio.registry import discover
from studio.spec import MethodChoice
from studio.training.tuners.tuner import State, Tuner

TUNERS: dict[str, Tuner] = discover("studio.training.tuners", "TUNER", Tuner)
_PLAIN = Tuner()


def tuner_of(choice: MethodChoice) -> Tuner:
    """What puts a method on a model, trains and saves it: its own, else PEFT's plain way."""
    return TUNERS.get(choice.method.tuner or choice.name, _PLAIN)


__all__ = ["TUNERS", "State", "Tuner", "tuner_of"]
