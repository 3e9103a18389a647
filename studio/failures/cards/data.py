"""Training data: gone, changed, or not what the objective needs."""

from studio.failures.card import Card, Remedy

CHOOSE = Remedy("Choose the data again", "Start the training anew with its file.", "open", page="/")

CARDS = (
    Card(
        "dataset_missing",
        "The kept data are gone",
        "A queued training keeps a copy of its rows in the data folder, and that copy was deleted.",
        CHOOSE,
        frozenset({"dataset_missing"}),
    ),
    Card(
        "dataset_changed",
        "The kept data were changed",
        "The copy of the rows is not what was queued any more: somebody or something wrote into it, or "
        "the disk is failing.",
        CHOOSE,
        frozenset({"dataset_changed"}),
        r"changed on disk",
    ),
    Card(
        "encoding",
        "The file's letters cannot be read",
        "The file is not saved as UTF-8, so its letters mean something else than they seem to.",
        Remedy(
            "Choose the data again",
            "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8'), then choose it again.",
            "open",
            page="/",
        ),
        pattern=r"UnicodeDecodeError|UnicodeEncodeError|codec can't (de|en)code",
    ),
    Card(
        "data",
        "The data file cannot be used",
        "The file is not what its name says, or lacks what this training needs.",
        CHOOSE,
        frozenset({"data"}),
    ),
)
