"""Personal data: e-mail addresses, phone, card and account numbers, national numbers, names."""

from __future__ import annotations

from studio.checks.check import LEAVE_OUT, Check
from studio.checks.private import masking, search

CHECK = Check(
    name="personal",
    title="Personal data",
    why="A model can repeat word for word what it was trained on, to anybody who asks. Mask what it "
    "need not know. Names are found only where a title or a greeting points to them: look yourself too.",
    begin=lambda circumstances: search("personal", "personal data was found: {kinds}"),
    cost="dear",
    fixes=(masking("personal"), LEAVE_OUT),
)
