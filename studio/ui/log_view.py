"""The log on a page: the server sends only what is new, and the page appends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

# An empty one says so by the style sheet, also after another job's log was taken away.
TEMPLATE = '<pre class="log" role="log" aria-label="Log" aria-live="off" tabindex="0"></pre>'
# `textContent` shows the log as text whatever stands in it. Chunks beyond 400 leave at the top.
SCRIPT = """
let job = null, end = 0;
watch('value', () => {
  const chunk = props.value, log = element.querySelector('.log');
  if (!chunk || !log) return;
  if (chunk.job !== job || chunk.first) { log.textContent = ''; job = chunk.job; end = chunk.from; }
  if (chunk.from !== end || !chunk.text) return;
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 24;
  const piece = document.createElement('span');
  piece.textContent = chunk.text;
  log.appendChild(piece);
  while (log.childNodes.length > 400) log.removeChild(log.firstChild);
  end = chunk.to;
  if (atEnd) log.scrollTop = log.scrollHeight;
});
"""


@dataclass(frozen=True)
class Chunk:
    """A piece of a job's log, from byte `begin` to byte `end` of its file; the first clears the view."""

    job: int
    begin: int
    end: int
    text: str
    is_first: bool = False

    def as_value(self) -> dict[str, Any]:
        """What the page's script reads."""
        place = {"from": self.begin, "to": self.end, "first": self.is_first}
        return {"job": self.job, **place, "text": self.text}


def log_view(elem_id: str) -> gr.HTML:
    """An empty log; give it `Chunk.as_value()` to append."""
    return gr.HTML(
        value=None,
        html_template=TEMPLATE,
        js_on_load=SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )
