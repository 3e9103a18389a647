"""The list of jobs: what runs and waits, with buttons and dragging to reorder; and what is past."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from jobs.models import Job, JobState
from studio.library import Note
from studio.ui import run_words
from studio.ui.markup import icon
from studio.ui.run_words import Progress

# A click on a row chooses its job, which is part of the address: a reload shows the same one. What
# else can be asked travels to the server as `asked`. Runs ticked for comparing are the window's own.
SCRIPT = """
const chosen = window.chosenRuns ||= new Set();
const ask = (verb, job, other) => {
  props.value = { ...props.value, asked: { verb, job, other: other || null } };
  trigger('input');
};
const marks = () => {
  element.querySelectorAll('input[data-compare]').forEach(box => {
    box.checked = chosen.has(box.dataset.compare);
  });
  const link = document.querySelector('#compare');
  if (!link) return;
  link.hidden = chosen.size === 0;
  if (chosen.size < 2) {
    link.removeAttribute('href');
    link.textContent = 'Tick another one to compare';
    return;
  }
  link.href = '/jobs?compare=' + [...chosen].join(',');
  link.textContent = 'Compare ' + chosen.size + ' runs';
};
watch('value', () => requestAnimationFrame(marks));
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-verb]');
  if (button) return ask(button.dataset.verb, button.dataset.job, button.dataset.other);
  if (event.target.closest('label')) return;
  const link = event.target.closest('a[data-job]') ||
    event.target.closest('tr')?.querySelector('a[data-job]');
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const all = new URLSearchParams(location.search).has('all') ? '&all=yes' : '';
  history.replaceState(null, '', link.getAttribute('href') + all);
  trigger('select');
});
element.addEventListener('change', event => {
  const box = event.target.closest('input[data-compare]');
  if (!box) return;
  chosen[box.checked ? 'add' : 'delete'](box.dataset.compare);
  marks();
});
let dragged = null;
element.addEventListener('dragstart', event => {
  dragged = event.target.closest('tr[draggable]')?.dataset.row || null;
  if (dragged) event.dataTransfer.setData('text/plain', dragged);
});
element.addEventListener('dragover', event => {
  if (dragged && event.target.closest('tr[draggable]')) event.preventDefault();
});
element.addEventListener('drop', event => {
  const target = event.target.closest('tr[draggable]')?.dataset.row;
  if (!dragged || !target || target === dragged) return;
  event.preventDefault();
  const rows = [...element.querySelectorAll('tr[draggable]')].map(row => row.dataset.row);
  ask(rows.indexOf(dragged) < rows.indexOf(target) ? 'after' : 'before', dragged, target);
});
"""

HEAD = "".join(
    f'<th scope="col">{name}</th>'
    for name in ('<span class="sr">Chosen</span>', "Name", "Kind", "State", "", "")
)
# Both tables of the page have the same columns.
COLUMNS = (
    "<colgroup>"
    + "".join(
        f'<col class="{name}">' for name in ("choose", "name", "kind", "state", "more", "moves")
    )
    + "</colgroup>"
)
# A browser lays out only the blocks in view (`content-visibility`), which no rows of a table allow.
BLOCK = 40
NOTHING_FOUND = '<p class="quiet">No job has these words in its name, note, kind or state.</p>'


def matches(job: Job, note: Note | None, words: str) -> bool:
    """Whether all words are in the job's number, name, kind, state or note; `*` asks for a star."""
    text = " ".join((f"#{job.id}", job.name, run_words.task_title(job), run_words.state_words(job)))
    text += f" {note.text}{' *' if note.is_starred else ''}" if note else ""
    return all(word in text.casefold() for word in words.casefold().split())


def table(
    jobs: Sequence[Job],
    chosen: Job | None,
    notes: Mapping[int, Note],
    made: Mapping[int, Progress | None],
) -> str:
    """The jobs as rows; waiting ones can be moved among each other."""
    if not jobs:
        return ""
    waiting = [job.id for job in jobs if job.state is JobState.QUEUED]
    places = {job_id: place for place, job_id in enumerate(waiting)}
    rows = [
        _row(
            job,
            is_chosen=chosen is not None and job.id == chosen.id,
            note=notes.get(job.id),
            moves=_moves(job, waiting, places.get(job.id)),
            more=_more(job, made.get(job.id)),
        )
        for job in jobs
    ]
    return "".join(_block(rows[at : at + BLOCK]) for at in range(0, len(rows), BLOCK))


def _block(rows: Sequence[str]) -> str:
    """Some rows of the list as a table of its own; all have the same columns."""
    return (
        f'<div class="rows-in-view" style="--rows:{len(rows)}"><table class="jobs">{COLUMNS}'
        f"<thead><tr>{HEAD}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def more(count: int, shown: int, chosen: Job, words: str) -> str:
    """A link to all jobs where only some are shown (`words` says which); searching looks at all."""
    if shown >= count:
        return ""
    return (
        f'<p class="quiet more-jobs">{words.format(shown=shown, count=count)} '
        f'<a href="/jobs?job={chosen.id}&amp;all=yes">Show all</a></p>'
    )


def _row(job: Job, *, is_chosen: bool, note: Note | None, moves: str, more: str) -> str:
    mark = ' aria-current="true"' if is_chosen else ""
    drag = ' draggable="true"' if moves else ""
    name = html.escape(run_words.name(job))
    compare = ""
    if job.task == "train":
        compare = (
            f'<label title="Tick to compare"><span class="sr">Compare {name}</span>'
            f'<input type="checkbox" data-compare="{job.id}"></label>'
        )
    said = html.escape(note.text) if note and note.text else ""
    under = f'<span class="note-line">{said}</span>' if said else ""
    return (
        f'<tr data-row="{job.id}"{mark}{drag}><td class="choose">{compare}</td>'
        f'<td>{_star(job, note)}<a href="/jobs?job={job.id}" data-job="{job.id}">{name}</a>{under}</td>'
        f"<td>{html.escape(run_words.task_title(job))}</td><td>{pill(job)}</td>"
        f'<td class="more">{more}</td><td class="moves">{moves}</td></tr>'
    )


def _star(job: Job, note: Note | None) -> str:
    is_starred = note is not None and note.is_starred
    verb, words = ("unstar", "Take the star back") if is_starred else ("star", "Give a star")
    return (
        f'<button class="star" data-verb="{verb}" data-job="{job.id}" aria-pressed='
        f'"{str(is_starred).lower()}" title="{words}" aria-label="{words}"></button>'
    )


def _moves(job: Job, waiting: Sequence[int], place: int | None) -> str:
    """Buttons that move a waiting job, at `place` among those that wait, by one."""
    if place is None:
        return ""
    buttons = []
    if place > 0:
        buttons.append(_move(job, "before", waiting[place - 1], "up", "Run earlier"))
    if place < len(waiting) - 1:
        buttons.append(_move(job, "after", waiting[place + 1], "down", "Run later"))
    return "".join(buttons)


def _move(job: Job, verb: str, other: int, mark: str, words: str) -> str:
    label = f"{words}: {html.escape(run_words.name(job))}"
    return (
        f'<button data-verb="{verb}" data-job="{job.id}" data-other="{other}" title="{words}" '
        f'aria-label="{label}">{icon(mark)}</button>'
    )


def _more(job: Job, made: Progress | None) -> str:
    if job.state is JobState.QUEUED:
        return f"waits for {html.escape(job.waiting_for)}" if job.waiting_for else ""
    if made is not None:
        percent = f"{100 * made.share:.0f}"
        left = run_words.left(made)
        rest = f"{percent} %, {left}" if left else f"{percent} %"
        return f'<span class="thin"><i style="width:{percent}%"></i></span>{rest}'
    return run_words.elapsed(job) if job.started_at is not None else ""


def pill(job: Job) -> str:
    """The job's state as a coloured word."""
    mark = icon("check") if job.state is JobState.SUCCEEDED else ""
    return f'<span class="pill {job.state}">{mark}{html.escape(run_words.state_words(job))}</span>'
