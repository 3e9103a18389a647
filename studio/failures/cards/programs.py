"""The program itself: libraries, settings, what came before, and what nobody foresaw."""

from studio.failures.card import Card, Remedy

CARDS = (
    Card(
        "library_missing",
        "A library is missing",
        "The environment is not whole: a package is not installed, or belongs to another Python.",
        Remedy("Try again", "Run `python launch.py doctor`; starting anew mends the environment."),
        pattern=r"ModuleNotFoundError|No module named",
    ),
    Card(
        "library_broken",
        "A library cannot be loaded",
        "A package is there, but not in a build that this machine can run.",
        Remedy("Try again", "Run `python launch.py doctor`; starting anew mends the environment."),
        pattern=r"ImportError|DLL load failed|version `GLIBC|undefined symbol|Illegal instruction|SIGILL",
    ),
    Card(
        "method",
        "The method does not go with this model",
        "The model lacks the layers that this method trains, or the method has no code for its kind.",
        Remedy(
            "Choose another method",
            "LoRA goes with nearly every model.",
            "open",
            page="/",
        ),
        frozenset({"method"}),
        r"Target modules .* not found in the base model",
    ),
    Card(
        "settings",
        "A setting cannot be used",
        "The words below name it, and what is allowed.",
        Remedy("Change the settings", "Start it anew with another value.", "open", page="/"),
        frozenset({"spec", "asked_wrongly"}),
    ),
    Card(
        "prerequisite",
        "What had to come first did not succeed",
        "This job needs the result of another, and that one failed or was cancelled.",
        Remedy("Try again", "Try the other one again first; this one then follows by itself."),
        frozenset({"prerequisite"}),
    ),
    Card(
        "lost",
        "It lost its runner too often",
        "The process that watched over it was ended several times: a restart, or a program that ends others.",
        Remedy("Try again", "It goes on from its last checkpoint."),
        frozenset({"lost"}),
    ),
    Card(
        "not_verified",
        "The export does not answer like the training",
        "It was compared with what was trained, row by row, and differs. It was not handed out.",
        Remedy("Try again", "If it happens again, export in a format with more bits."),
        frozenset({"not_verified"}),
    ),
    Card(
        "not_trained",
        "There is nothing to export",
        "The training that this needs has no result, or changed nothing.",
        Remedy("Try again", "Finish the training first."),
        frozenset({"not_trained", "not_finished", "no_export"}),
    ),
    Card(
        "crashed_below",
        "A library crashed",
        "The process ended inside compiled code, without a word of its own.",
        Remedy("Try again", "If it happens again, copy the bug report from this page."),
        pattern=r"Segmentation fault|\bSIGSEGV\b|\bSIGABRT\b|core dumped|left no result",
    ),
)
