"""Disk and files: full, closed to us, or not there."""

from studio.failures.card import Card, Remedy

CARDS = (
    Card(
        "disk_full",
        "The disk is full",
        "There was no room for a checkpoint, a result or a download. What was saved before is whole.",
        Remedy(
            "It has room now: go on",
            "Make room: old runs and exports are the largest. It goes on from its last checkpoint.",
            "resume",
        ),
        frozenset({"disk_full"}),
        r"No space left on device|Disk quota exceeded|os error 28\)|There is not enough space on the disk",
    ),
    Card(
        "read_only",
        "The disk cannot be written to",
        "The file system is read only: often a drive that was pulled out or that the system found damaged.",
        Remedy("Try again", "Look after the drive, or choose another data folder (--home)."),
        pattern=r"Read-only file system",
    ),
    Card(
        "not_allowed",
        "A file or folder is closed to this program",
        "The system refused access: the file belongs to somebody else, or a virus scanner holds it.",
        Remedy(
            "Try again", "Give yourself the right to read and write there, or choose another place."
        ),
        pattern=r"PermissionError|Permission denied|Access is denied|Operation not permitted",
    ),
    Card(
        "in_use",
        "Another program holds the file open",
        "On Windows a file that is open elsewhere cannot be replaced.",
        Remedy("Try again", "Close the program that has the file open."),
        pattern=r"WinError 32\b|being used by another process",
    ),
    Card(
        "file_missing",
        "A file is not there",
        "It was moved, renamed or deleted since the job was made, or its drive is not plugged in.",
        Remedy("Try again", "Put the file back to where the line below says."),
        pattern=r"FileNotFoundError|No such file or directory|The system cannot find the (file|path)",
    ),
    Card(
        "too_many_files",
        "Too many files are open at once",
        "The system lets a program hold only so many files, and this limit was reached.",
        Remedy("Try again", "Close other programs, or raise the limit (ulimit -n 4096)."),
        pattern=r"Too many open files",
    ),
    Card(
        "cannot_start",
        "The process could not be started",
        "The system gave no room, no right or no further process.",
        Remedy("Try again", "See to the disk's free space and the data folder's rights."),
        frozenset({"cannot_start"}),
        r"Resource temporarily unavailable|Cannot allocate a new process",
    ),
)
