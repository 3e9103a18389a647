"""A person's data behind the form: imported once, looked through, mended, undone; remembered by content."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from studio.checks import CHECKS
from studio.checks.batch import Batch, Tokens
from studio.checks.check import LEAVE_OUT, Cost, Finding, Fix
from studio.checks.fixing import Subject, mend_at, writing
from studio.checks.looking import look_through
from studio.checks.survey import Encode, Report
from studio.data.columns import CONFIDENT, recognise
from studio.data.inspection import Inspection, inspect
from studio.data.progress import Progress, silent
from studio.data.readers import stamp_of
from studio.data.table import Table
from studio.errors import AskedWrongly, DataProblem, StudioError
from studio.library import Imported, Library, Version
from studio.library.hub import place_of
from studio.library.records import import_into
from studio.objectives import OBJECTIVES
from studio.orders.freezing import objection
from studio.spec import TrainSpec
from studio.ui.draft import Draft
from studio.worker import apart
from studio.worker.client import Worker

_REMEMBERED = 8
_OF_TOKENS: tuple[Cost, ...] = ("tokens",)

Value = TypeVar("Value")


@dataclass(frozen=True)
class Data:
    """What a draft's file holds now: with its fixes, as its columns are meant."""

    version: Version
    found: Inspection

    @property
    def subject(self) -> Subject:
        """What a fix works on."""
        return Subject(self.version, self.found.table, self.found.mapping)


class OwnData:
    """One a page server. What was read or found is remembered: no other change of the form reads it anew.

    Whatever goes through all rows is done by a process apart (`studio.worker.apart`): it may take
    minutes and much memory. `on_progress` hears how far it is, and ends it by raising something.
    """

    def __init__(self, library: Callable[[], Library], worker: Callable[[], Worker]) -> None:
        self._library = library
        self._worker = worker
        self._imports: OrderedDict[Any, Imported] = OrderedDict()
        self._data: OrderedDict[Any, Data] = OrderedDict()
        self._reports: OrderedDict[Any, Report] = OrderedDict()
        self._objections: OrderedDict[Any, str] = OrderedDict()
        # What `found` was answered for before, be it with what was found or with what is wrong.
        self._answered: OrderedDict[Any, bool] = OrderedDict()
        self._held: dict[Any, StudioError] = {}

    def data(self, draft: Draft, on_progress: Progress = silent) -> Data:
        """The draft's rows with the columns chosen by hand or recognised.

        Raises DataProblem when the file cannot be read or the columns do not fit.
        """
        asked = self._asked_key(draft)
        try:
            data = self._data_of(draft, on_progress)
        except DataProblem:
            _remembered(self._answered, asked, lambda: False)
            raise
        _remembered(self._answered, asked, lambda: True)
        return data

    def _data_of(self, draft: Draft, on_progress: Progress) -> Data:
        imported = self._imported(draft.data_file, draft.chosen_part, on_progress)
        version = self._version(draft, imported.dataset.hash)
        columns = draft.chosen_columns
        key = (draft.data_file, version.id, draft.objective, _in_order(columns))

        def look() -> Data:
            table = self._library().table_of(version, imported.table)
            found = apart.call(inspect, table, columns, draft.objective, on_progress=on_progress)
            return Data(version, replace(found, table=table))

        return _remembered(self._data, key, look)

    def found(self, draft: Draft, on_progress: Progress = silent) -> Inspection:
        """What the draft's file holds; raises as `data`."""
        return self.data(draft, on_progress).found

    def recognised(self, draft: Draft, on_progress: Progress = silent) -> Draft:
        """The draft with the goal that its file is recognised for, where that is a new file."""
        if not draft.data_file or draft.objective_for == draft.data_file:
            return draft
        try:
            table = self._imported(draft.data_file, draft.chosen_part, on_progress).table
        except DataProblem:
            return draft
        mapping = recognise(table)
        objective = mapping.objective if mapping.confidence >= CONFIDENT else Draft().objective
        return replace(draft, objective=objective, objective_for=draft.data_file)

    def read(self, draft: Draft, on_progress: Progress = silent) -> Draft:
        """Have the draft's file read in and looked at; gives the draft with the goal it is recognised for.

        What keeps the file from being read is raised; columns that do not fit are not: `found` says so.
        """
        self._imported(draft.data_file, draft.chosen_part, on_progress)
        draft = self.recognised(draft, on_progress)
        with suppress(DataProblem):
            self.found(draft, on_progress)
        return draft

    def is_read(self, draft: Draft) -> bool:
        """Whether the draft's file was read in, so that nobody else begins to read it."""
        if not draft.data_file:
            return False
        try:
            path, part, _ = key = self._import_key(draft.data_file, draft.chosen_part)
        except StudioError:
            return False
        if key in self._held:
            return False
        return key in self._imports or self._library().imported(path, part) is not None

    def is_known(self, draft: Draft) -> bool:
        """Whether `found` answers at once, be it with what is wrong: nothing has to be read for it."""
        try:
            return self.is_held_back(draft) or self._asked_key(draft) in self._answered
        except StudioError:
            return True

    def without_unread(self, draft: Draft) -> Draft:
        """The draft, without its file as long as that was not read in."""
        return draft if self.is_read(draft) else replace(draft, data_from="upload", data_upload="")

    def hold_back(self, draft: Draft, error: StudioError) -> None:
        """Do not read the draft's file again by itself: `error` says why, until it is let go or changes."""
        self._held[self._import_key(draft.data_file, draft.chosen_part)] = error

    def let_go(self, draft: Draft) -> None:
        """Read the draft's file again when it is asked for."""
        self._held.pop(self._import_key(draft.data_file, draft.chosen_part), None)

    def is_held_back(self, draft: Draft) -> bool:
        """Whether the draft's file is only read again once a person asks for it."""
        try:
            return self._import_key(draft.data_file, draft.chosen_part) in self._held
        except StudioError:
            return False

    def known_report(self, draft: Draft) -> Report | None:
        """What the checks found, where they have been run on just this."""
        data = self.data(draft)
        report = self._reports.get(self._report_key(draft, data))
        lengths = self._reports.get(self._lengths_key(draft, data))
        return report.with_more(lengths) if report and lengths else report

    def report(self, draft: Draft, on_progress: Progress = silent) -> Report:
        """What the checks find that need no tokens."""
        data = self.data(draft, on_progress)

        def look() -> Report:
            library = self._library()
            return apart.call(
                look_through,
                data.found.table,
                data.found.mapping,
                held_out=draft.held_out,
                always=library.versions.held_out(data.version.hash),
                folder=library.home.tmp,
                on_progress=on_progress,
            )

        return _remembered(self._reports, self._report_key(draft, data), look)

    def lengths(self, draft: Draft, on_progress: Progress = silent) -> Report | None:
        """What the checks find that need tokens; None while there is no model here to count them."""
        data = self.data(draft)
        spec = self._spec(draft, data)
        if spec is None:
            return None

        def look() -> Report:
            return look_through(
                data.found.table,
                data.found.mapping,
                held_out=0,
                longest=spec.training.max_length,
                encode=self._encode(spec),
                costs=_OF_TOKENS,
                on_progress=on_progress,
            )

        try:
            return _remembered(self._reports, self._lengths_key(draft, data), look)
        except StudioError:
            # The model is not here yet; training prepares it, and looks at the lengths itself.
            return None

    def objection(self, draft: Draft, on_progress: Progress = silent) -> str:
        """Why the draft's goal cannot be reached with its rows (one label only, say); empty where it can."""
        if not OBJECTIVES[draft.objective].looks_at_examples:
            return ""
        data = self.data(draft, on_progress)
        try:
            settings = draft.to_spec().objective.settings
        except AskedWrongly as error:
            others = [each for each in error.fields if not each.field.startswith("objective")]
            return "" if others else error.words
        roles, ready = dict(data.found.mapping.roles), data.found.ready
        key = (data.version.hash, draft.objective, _in_order(roles), settings)

        def look() -> str:
            table, goal = data.found.table, draft.objective
            return apart.call(
                objection, table, roles, goal, settings, ready, on_progress=on_progress
            )

        return _remembered(self._objections, key, look)

    def history(self, draft: Draft) -> Sequence[Version]:
        """What was done to the draft's data, the first version left out."""
        return self._library().versions.history(self.data(draft).version)[1:]

    # What a person does to the data: each gives the draft that stands on the new version.

    def fix(self, draft: Draft, check: str, fix: str, on_progress: Progress = silent) -> Draft:
        """Apply a fix to everything that a check found."""
        self.report(draft, on_progress)
        known = self.known_report(draft)
        found = next((f for f in known.found if f.check.name == check), None) if known else None
        if found is None:
            raise AskedWrongly("This was mended already. The list below is up to date.")
        chosen = next(each for each in CHECKS[check].fixes if each.name == fix)
        return self._mended(draft, check, found.finding, chosen, on_progress)

    def write(
        self,
        draft: Draft,
        number: int,
        column: str,
        text: str,
        on_progress: Progress = silent,
    ) -> Draft:
        """Write something else into one cell, by the row's number in the file."""
        table = self.found(draft).table
        row = row_of(table, number)
        if column not in table.columns:
            raise AskedWrongly("Choose the column of the cell first.")
        by_hand = Finding((row,), "")
        return self._mended(draft, "by hand", by_hand, writing(column, text), on_progress)

    def leave_out(
        self,
        draft: Draft,
        numbers: Sequence[int],
        on_progress: Progress = silent,
    ) -> Draft:
        """Leave rows out, by their numbers in the file."""
        table = self.found(draft).table
        rows = sorted({row_of(table, number) for number in numbers})
        return self._mended(draft, "by hand", Finding(rows, ""), LEAVE_OUT, on_progress)

    def undo(self, draft: Draft) -> Draft:
        """Go back to the version before the last fix."""
        data = self.data(draft)
        if data.version.parent is None:
            raise AskedWrongly("There is nothing to undo.")
        return self._on(draft, data, self._library().versions.get(data.version.parent))

    def cell(self, draft: Draft, number: int, column: str) -> str:
        """What stands in a cell now, as text."""
        table = self.found(draft).table
        value = table.rows[row_of(table, number)].get(column)
        return "" if value is None else str(value)

    def _mended(
        self, draft: Draft, check: str, finding: Finding, fix: Fix, on_progress: Progress
    ) -> Draft:
        data = self.data(draft)
        home = self._library().home
        version = apart.call(
            mend_at, home, data.subject, check, finding, fix, on_progress=on_progress
        )
        return self._on(draft, data, version)

    def _on(self, draft: Draft, data: Data, version: Version) -> Draft:
        """The draft on another version, with its columns settled: they are not recognised anew."""
        is_first = version.parent is None
        return replace(
            draft,
            version="" if is_first else str(version.id),
            dataset="" if is_first else version.hash,
            dataset_for=draft.data_file,
            columns=dict(data.found.mapping.roles),
            columns_for=draft.mapped,
        )

    def _imported(self, name: str, part: str | None, on_progress: Progress) -> Imported:
        library = self._library()
        path, part, _ = key = self._import_key(name, part)
        if key in self._held:
            raise self._held[key]

        def bring() -> Imported:
            known = library.imported(path, part)
            if known is None:
                apart.call(import_into, library.home, path, part, on_progress=on_progress)
            return known or library.import_file(path, part)

        return _remembered(self._imports, key, bring)

    def _import_key(self, name: str, part: str | None) -> tuple[Path, str | None, str]:
        path = place_of(name, self._library().home)
        return path, part, stamp_of(path)

    def _asked_key(self, draft: Draft) -> Any:
        """What the answer of `found` hangs on. Raises StudioError where there is no such file."""
        file = self._import_key(draft.data_file, draft.chosen_part)
        return file, draft.version, draft.objective, _in_order(draft.chosen_columns)

    def _version(self, draft: Draft, hash_: str) -> Version:
        """The draft's version of what was imported; the first where the file has changed since."""
        versions = self._library().versions
        if draft.version and draft.dataset_for == draft.data_file:
            version = versions.get(int(draft.version))
            if version.line == hash_:
                return version
        return versions.first(hash_)

    def _report_key(self, draft: Draft, data: Data) -> Any:
        roles = _in_order(data.found.mapping.roles)
        return data.version.hash, data.version.line, draft.objective, roles, draft.held_out

    def _lengths_key(self, draft: Draft, data: Data) -> Any:
        roles = _in_order(data.found.mapping.roles)
        longest = draft.training.get("max_length")
        return data.version.hash, draft.objective, roles, draft.model_source, longest

    def _spec(self, draft: Draft, data: Data) -> TrainSpec | None:
        """The draft's spec on this very dataset; None while no model is chosen or something is missing."""
        if not draft.model_source:
            return None
        settled = replace(self._on(draft, data, data.version), dataset=data.version.hash)
        try:
            return settled.to_spec()
        except StudioError:
            return None

    def _encode(self, spec: TrainSpec) -> Encode:
        """The model worker's counting of a spec's rows."""
        worker = self._worker()

        def encode(batch: Batch) -> list[Tokens]:
            counted = worker.tokens(spec, batch.first, len(batch.rows))
            return [Tokens(*each) for each in counted]

        return encode


def row_of(table: Table, number: int) -> int:
    """The row, from 0, that has this number in the file. Raises AskedWrongly where there is none."""
    place = bisect_left(table.numbers, number)
    if place == len(table.numbers) or table.numbers[place] != number:
        raise AskedWrongly(
            f"There is no row {number}. The rows go from {min(table.numbers):,} to "
            f"{max(table.numbers):,}; some may have been left out."
        )
    return place


def _in_order(columns: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Columns by role, as part of a key."""
    return tuple(sorted((columns or {}).items()))


def _remembered(known: OrderedDict[Any, Value], key: Any, make: Callable[[], Value]) -> Value:
    """What is known under the key, else what `make` gives; of many the oldest are forgotten."""
    if key not in known:
        value = make()
        known[key] = value
        while len(known) > _REMEMBERED:
            known.popitem(last=False)
        return value
    return known[key]
