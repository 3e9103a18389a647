"""Secrets: passwords, keys and access tokens."""

from __future__ import annotations

from studio.checks.check import LEAVE_OUT, Check
from studio.checks.private import masking, search

CHECK = Check(
    name="secrets",
    title="Passwords and keys",
    why="Whoever gets the model may get the password out of it. Change a password that was in a file "
    "like this, too.",
    begin=lambda circumstances: search("secret", "passwords or keys were found: {kinds}"),
    cost="dear",
    fixes=(masking("secret"), LEAVE_OUT),
)
