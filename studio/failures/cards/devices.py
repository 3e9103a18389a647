"""Graphics cards and their drivers."""

from studio.failures.card import Card, Remedy, on_the_processor

PROCESSOR = Remedy(
    "Try again on the processor", "It takes longer, but needs no card.", "change", on_the_processor
)

CARDS = (
    Card(
        "driver_too_old",
        "The graphics driver is too old",
        "The installed torch needs a newer driver than this machine has.",
        Remedy(
            "Try again on the processor",
            "Or update the driver from the card maker's page, restart, and try again.",
            "change",
            on_the_processor,
        ),
        pattern=r"driver on your system is too old|driver version is insufficient|cudaErrorInsufficientDriver",
    ),
    Card(
        "card_too_old",
        "The graphics card is not supported",
        "The installed torch has no code for a card of this generation.",
        PROCESSOR,
        pattern=r"no kernel image is available|not compatible with the current PyTorch installation",
    ),
    Card(
        "card_lost",
        "The graphics card stopped answering",
        "Its driver lost the card: too hot, too little power, a fault of the driver, or the machine slept.",
        Remedy("Try again", "Restart the machine first if it happens again."),
        pattern=r"unspecified launch failure|GPU has fallen off the bus|cudaErrorLaunchFailure"
        r"|Unable to determine the device handle|an illegal memory access was encountered",
    ),
    Card(
        "no_card",
        "No graphics card was found",
        "The training asks for one, and torch sees none on this machine.",
        PROCESSOR,
        frozenset({"device"}),
        r"Torch not compiled with CUDA enabled|No CUDA GPUs are available|found no NVIDIA driver",
    ),
    Card(
        "ranks",
        "The processes of the training lost each other",
        "A training on several cards runs as several processes, and one of them stopped answering.",
        Remedy("Try again", "If it happens again, set training.processes to 1."),
        frozenset({"world_size", "strayed"}),
        r"NCCL error|NCCL WARN|Gloo connectFullMesh failed|Watchdog caught collective",
    ),
    Card(
        "port",
        "A port of this machine is taken",
        "Another program listens where the processes of this training wanted to meet.",
        Remedy("Try again", "End the other program, or wait until it has ended."),
        frozenset({"port_taken"}),
        r"EADDRINUSE|Address already in use",
    ),
)
