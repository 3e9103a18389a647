"""What a model card says of the data: its source and licence, rows and tokens, what was mended and found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.checks.check import Circumstances, Cost
from studio.checks.survey import Report, survey
from studio.library import KeptDataset, Library
from studio.models.origin import read_origin
from studio.spec import DataChoice

_MOST_ROWS_LOOKED_THROUGH = 50_000
"""In more rows than these only the quick checks are run for a card: the others would take minutes."""


@dataclass(frozen=True)
class DataCard:
    """The data of one run. `tokens` and `trained_tokens` are counted over the rows trained on, if known."""

    source: str
    licence: str
    imported_rows: int
    training_rows: int
    held_out_rows: int
    tokens: int | None
    trained_tokens: int | None
    changes: tuple[str, ...]
    report: Report
    is_looked_through: bool

    def as_markdown(self) -> str:
        """A section of a model card."""
        facts = {
            "Source": self.source,
            "Licence": self.licence or "not stated by whoever trained the model",
            "Rows": f"{self.training_rows:,} trained on, {self.held_out_rows:,} held out; "
            f"{self.imported_rows:,} in the source",
        }
        if self.tokens is not None:
            facts["Tokens in one pass"] = (
                f"{self.tokens:,}, of which {self.trained_tokens:,} learnt"
            )
        table = "\n".join(f"| {name} | {_cell(value)} |" for name, value in facts.items())
        changes = "\n".join(f"- {words}" for words in self.changes) or "- Nothing was changed."
        found = "\n".join(
            f"- {each.check.title}: {_rows(each.count)}{each.check.why}"
            for each in self.report.found
        )
        kinds = "All checks were" if self.is_looked_through else "The quick checks were"
        return (
            f"## The data\n\n| | |\n|---|---|\n{table}\n\nWhat was done to it, in this order:\n\n"
            f"{changes}\n\n{kinds} run over the rows as they were trained on: "
            f"{self.report.verdict}\n{f'{chr(10)}{found}{chr(10)}' if found else ''}"
        )


def data_card(
    library: Library,
    choice: DataChoice,
    objective: str,
    *,
    training_rows: int,
    held_out_rows: int,
    shape: Mapping[str, int],
) -> DataCard:
    """The card of a queued run's data; `shape` has its counts of tokens where the run wrote them down.

    Raises DataProblem where the kept dataset is gone or was changed.
    """
    hash_ = str(choice.dataset)
    version = library.versions.latest_of(hash_)
    steps = library.versions.history(version) if version else []
    imported = library.dataset(steps[0].hash if steps else hash_)
    is_looked_through = library.dataset(hash_).rows <= _MOST_ROWS_LOOKED_THROUGH
    costs: tuple[Cost, ...] = ("cheap", "dear") if is_looked_through else ("cheap",)
    circumstances = Circumstances(choice.columns or {}, objective, folder=library.home.tmp)
    return DataCard(
        source=_source(choice, imported),
        licence=choice.licence or imported.licence or _licence_of(imported),
        imported_rows=imported.rows,
        training_rows=training_rows,
        held_out_rows=held_out_rows,
        tokens=shape.get("tokens"),
        trained_tokens=shape.get("trained_tokens"),
        changes=tuple(step.words for step in steps if step.words),
        report=survey(library.open(hash_), circumstances, costs=costs),
        is_looked_through=is_looked_through,
    )


def _source(choice: DataChoice, imported: KeptDataset) -> str:
    """The file's name, not its path: a card leaves this computer. Of the Hub: dataset and commit."""
    origin = read_origin(imported.source_file)
    if origin is not None:
        return f"{origin.source} of the Hugging Face Hub, revision {origin.revision}"
    return Path(choice.path).name if choice.path else imported.source_file.name


def _licence_of(imported: KeptDataset) -> str:
    """What the dataset's page on the Hub says."""
    origin = read_origin(imported.source_file)
    return (origin.licence or "") if origin else ""


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}. " if count else ""


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")
