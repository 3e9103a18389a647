"""Training: loading, adapters, batches, the pure step, the loop, checkpoints. This floor uses torch."""

from studio import libraries

libraries.settle()
