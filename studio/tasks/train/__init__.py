"""The task `train`: an order becomes an adapter, or a whole model, in the run's folder."""

from studio.tasks.train.running import ON_A_RANK, train

__all__ = ["ON_A_RANK", "train"]
