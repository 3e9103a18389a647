"""A workbook with a merged title, a column that is easily taken for another, and seven planted problems."""

from __future__ import annotations

from pathlib import Path

from tests import tiny
from tests.studio.data.office import write_xlsx

COLUMNS = {"prompt": "Question", "response": "Checked text"}
# What is planted, in the order in which a person mends it: the check, its fix, the row in the sheet.
PLANTED = (
    ("empty", "leave_out", 30),
    ("duplicates", "leave_out", 31),
    ("conflicts", "keep_first", 32),
    ("echo", "leave_out", 33),
    ("mojibake", "repair", 34),
    ("markup", "clean", 35),
    ("personal", "mask", 36),
)


def workbook(file: Path) -> Path:
    """A merged title, a header whose third column is the one wanted, 27 good rows, seven bad ones."""
    good = tiny.make_rows(27)
    bad = [
        ("Is there a desk for lost keys?", ""),
        good[0],
        (good[1][0], "No, it is sold out since Monday."),
        ("Please say the price again", "Please say the price again"),
        ("Where is the cafÃ© on the second floor?", "It stands beside the lift."),
        ("What is in the parcel?", "<p>A lamp &amp; a shade.</p>"),
        ("Whom do I ask about the bill?", "Write to ana.berg@shop.example, please."),
    ]
    rows = [[asked, "see the last column", said] for asked, said in [*good, *bad]]
    cells = [["Mails of the year, exported", "", ""], ["Question", "Answer", "Checked text"], *rows]
    return write_xlsx(file, {"Mails": cells}, ["A1:C1"])
