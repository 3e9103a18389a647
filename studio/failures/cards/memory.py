"""Memory: on the graphics card, in the machine, or taken away by the system."""

from studio.failures.card import Card, Remedy, smaller

LESS = Remedy(
    "Try again with less memory",
    "Fewer rows are held at a time, or shorter ones; the steps stay the same where they can.",
    "change",
    smaller,
)

CARDS = (
    Card(
        "memory",
        "The machine's memory was too small",
        "The model, its gradients and the rows of one step did not fit into memory, even one row at a time.",
        LESS,
        frozenset({"out_of_memory"}),
        r"can't allocate memory|not enough memory|unable to allocate|^MemoryError|bad_alloc",
    ),
    Card(
        "gpu_memory",
        "The graphics card's memory was too small",
        "The model, its gradients and the rows of one step did not fit on the card, even one row at a "
        "time. Other programs that use the card take room as well.",
        LESS,
        frozenset({"out_of_memory"}),
        r"CUDA out of memory|HIP out of memory|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation",
    ),
    Card(
        "shared_memory",
        "Shared memory was used up",
        "Processes of one training pass data through /dev/shm, and that was full; in containers it is "
        "often small.",
        Remedy("Try again", "Give the container more (docker: --shm-size=2g), or free /dev/shm."),
        pattern=r"unable to (mmap|open shared memory)|No space left on device.*/dev/shm"
        r"|\bSIGBUS\b|Bus error",
    ),
    Card(
        "killed",
        "The system ended the process",
        "Nobody here ended it. Mostly the machine had run out of memory, and the system chose the "
        "largest program.",
        LESS,
        frozenset({"killed"}),
        r"The system ended (the task's process|process \d+ of)|Killed process \d+",
    ),
)
