"""The finished trainings, as Try it and Export offer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr

from jobs.errors import StoreBusy
from jobs.models import Job
from studio.ui import words
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.wiring import QUIET

NOTHING = (
    '<div class="empty"><p>There is no finished training yet.</p>'
    '<p><a href="/">Start one</a>; when it is done, it can be chosen here.</p></div>'
)
# The choice is part of the address: a reload shows the same run.
KEEP_ADDRESS = """(run) => {
  if (run) history.replaceState(null, '', location.pathname + '?run=' + run);
  return [run];
}"""


def finished(backstage: Backstage) -> list[Job]:
    """The trainings, and combinations of trainings, that succeeded, newest first."""
    return sorted(backstage.orders.finished(), key=lambda job: -(job.ended_at or 0))


def title(job: Job) -> str:
    """A run in a list of them."""
    return f"{job.name} · {words.moment(job.ended_at)}"


def is_beside(job: Job, other: Job) -> bool:
    """Whether it is another run of the same base."""
    ours, theirs = (each.spec.get("base", {}) for each in (job, other))
    names = ("source", "revision")
    return job.id != other.id and all(ours.get(name) == theirs.get(name) for name in names)


def chooser(elem_id: str) -> Any:
    """A dropdown of runs; a server that was restarted since takes back what a window shows."""
    return gr.Dropdown(
        choices=[],
        label="Training",
        info="`run` · the finished ones, newest first",
        allow_custom_value=True,
        elem_id=elem_id,
    )


def choices_of(jobs: Iterable[Job]) -> list[tuple[str, str]]:
    """Jobs as a dropdown offers them: the title, and the number as its value."""
    return [(title(job), str(job.id)) for job in jobs]


def keep_offering(
    chooser: Any, backstage: Backstage, is_offered: Callable[[Job], bool] = lambda job: True
) -> None:
    """Whenever the list is opened, it holds what has finished by then; the choice stays."""
    opened = spoken(lambda: offered_now(backstage, is_offered))
    chooser.focus(opened, None, chooser, **QUIET)


def offered_now(backstage: Backstage, is_offered: Callable[[Job], bool]) -> Any:
    """An update of a chooser's choices alone."""
    try:
        jobs = [job for job in finished(backstage) if is_offered(job)]
    except StoreBusy:
        return gr.skip()
    return gr.Dropdown(choices=choices_of(jobs))


def offered(backstage: Backstage, request: gr.Request) -> tuple[Any, str]:
    """An update for the chooser, with the run of the address or the newest; and that run's number."""
    try:
        jobs = finished(backstage)
    except StoreBusy:
        return gr.skip(), ""
    choices = choices_of(jobs)
    numbers = [number for _, number in choices]
    wanted = request.query_params.get("run", "")
    chosen = wanted if wanted in numbers else (numbers[0] if numbers else None)
    return gr.Dropdown(choices=choices, value=chosen, visible=bool(jobs)), chosen or ""
