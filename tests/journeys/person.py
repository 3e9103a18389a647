"""What a person does at the window, in their own terms."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, Request, expect

from tests.studio.ui.serving import PageServer

# The machine may be busy with other tests; nothing here measures time.
SOON_MS = 240_000
TRAINING_MS = 600_000
expect.set_options(timeout=SOON_MS)


class Person:
    """Looks at one window and does things in it."""

    def __init__(self, page: Page, studio: PageServer) -> None:
        self.page = page
        self.studio = studio
        self.asked: list[str] = []
        self.complaints: list[str] = []
        # The numbers of the page's events whose handlers were run, in order.
        self.events_asked_for: list[int] = []
        page.set_default_timeout(SOON_MS)
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self._heard("error", str(error)))
        page.on("console", lambda said: self._heard(said.type, said.text))

    def _asked(self, request: Request) -> None:
        self.asked.append(request.url)
        sent = request.post_data if request.method == "POST" else None
        if sent and sent.startswith("{"):
            number = json.loads(sent).get("fn_index")
            self.events_asked_for += [] if number is None else [number]

    def _heard(self, kind: str, text: str) -> None:
        # Gradio gives up its open streams when the page is left, and says that it did.
        left = text.startswith(("AbortError", "Unexpected error Connection errored out"))
        if kind == "error" and not left:
            self.complaints.append(text)

    def asked_elsewhere(self) -> list[str]:
        """Every address that the browser asked for off this machine."""
        here = ("http://127.0.0.1:", "data:", "blob:", "about:")
        return [address for address in self.asked if not address.startswith(here)]

    def opens(self, path: str = "") -> None:
        """Open a page as the launcher does."""
        instance = self.studio.instance
        joint = "&" if "?" in path else "?"
        self.page.goto(f"{instance.address}{path}{joint}token={instance.token}")
        expect(self.page.locator("h1")).to_be_visible(timeout=SOON_MS)

    def begins(self) -> None:
        """Open an empty form, whatever others left half filled."""
        self.opens("?draft=new")

    def sees(self, words: str | re.Pattern[str], timeout_ms: float = SOON_MS) -> None:
        """Wait until the words are on the page."""
        expect(self.page.get_by_text(words).first).to_be_visible(timeout=timeout_ms)

    # New training.

    def chooses_model(self, source: Path | str) -> None:
        """The starter model, or a folder by its path; on to the data."""
        if source != "starter":
            self.page.get_by_text("A model on this computer").click()
            self.page.locator("#model-path textarea, #model-path input").fill(str(source))
        name = "SmolLM2" if source == "starter" else Path(source).name
        expect(self.page.locator("#model-card")).to_contain_text(name)
        self.page.locator("#next-0").click()
        expect(self.page.locator("#next-1")).to_be_visible()

    def uploads(self, file: Path) -> None:
        """Choose a data file and wait for what was found in it."""
        self.page.locator("#upload input[type=file]").set_input_files(str(file))
        expect(self.findings).to_contain_text(file.name)

    def takes_the_file_away(self) -> None:
        """The uploaded file is not wanted after all."""
        self.page.locator("#upload").get_by_role("button", name="Clear").click()
        expect(self.findings).to_be_empty()

    @property
    def findings(self) -> Locator:
        """What the page says of the data file."""
        return self.page.locator("#findings")

    @property
    def problems(self) -> Locator:
        """What the checks found in the rows, each with what mends it."""
        return self.page.locator("#checks-list")

    def says_which_column(self, role: str, column: str) -> None:
        """Choose a column by hand."""
        self.page.locator(f"#role-{role} input").click()
        self.page.locator(f"#role-{role}").get_by_role("option", name=column, exact=True).click()

    def goes_on_to_method(self) -> None:
        """The data is good: on to the method."""
        self.page.locator("#next-1").click()
        expect(self.page.locator("#next-2")).to_be_visible()

    def sets(self, name: str, value: str) -> None:
        """Type a number into a setting and leave the field."""
        field = self.page.locator(f"#{name} input")
        field.fill(value)
        field.blur()

    def opens_more_settings(self) -> None:
        """The settings that a beginner does not need."""
        self.page.get_by_text("More settings").last.click()

    def starts_training(self, name: str) -> int:
        """Name it and start it; gives the job's number."""
        self.page.locator("#next-2").click()
        self.page.locator("#name textarea, #name input").fill(name)
        self.page.locator("#start").click()
        # The estimate is made first, which a busy machine takes its time for.
        self.page.wait_for_url(re.compile(r"/jobs\?job=\d+"), timeout=TRAINING_MS)
        return int(self.page.url.rpartition("=")[2])

    # Jobs.

    @property
    def curve(self) -> str:
        """The points of the training curve as drawn now; empty before it is drawn."""
        line = self.page.locator("#job-curve .line.training")  # the loss is the first of them
        return (line.first.get_attribute("points") or "") if line.count() else ""

    @property
    def log(self) -> str:
        """The log as shown now."""
        return self.page.locator("#job-log .log").inner_text()

    def waits_for_a_longer(self, what: str, timeout_ms: float = TRAINING_MS) -> None:
        """Wait until the curve or the log is longer than it is now, without a reload."""
        lengths = {
            "curve": "() => (document.querySelector('#job-curve .line.training')"
            "?.getAttribute('points') || '').length",
            "log": "() => (document.querySelector('#job-log .log')?.textContent || '').length",
        }
        longer = f"now => ({lengths[what]})() > now"
        while True:
            try:
                now = self.page.evaluate(lengths[what])
                self.page.wait_for_function(longer, arg=now, timeout=timeout_ms)
                return
            except Error as error:
                # A window whose server was restarted loads itself anew.
                if "context was destroyed" not in str(error):
                    raise

    def waits_until_done(self) -> None:
        """Wait until the job that the page shows has succeeded."""
        pill = self.page.locator("#job-detail .pill")
        expect(pill).to_have_text(re.compile("Done|problem|Cancelled"), timeout=TRAINING_MS)
        assert pill.inner_text() == "Done", self.page.locator("#job").inner_text()

    # After training.

    def asks(self, question: str) -> tuple[str, str]:
        """Ask on Try it; gives the answers before and after training."""
        self.page.locator("#question textarea").fill(question)
        self.page.locator("#ask").click()
        answers = self.page.locator("#answers .answer .said")
        expect(answers).to_have_count(2, timeout=TRAINING_MS)
        before, after = answers.all_inner_texts()
        return before, after

    def exports(self, title: str) -> Locator:
        """Export in a format and wait until it was verified; gives its card."""
        self.page.locator("#format").get_by_text(title).click()
        self.page.locator("#export").click()
        card = self.page.locator(".export", has_text=title).first
        expect(card.locator(".verified")).to_be_visible(timeout=TRAINING_MS)
        return card

    def downloads(self, card: Locator, folder: Path) -> Path:
        """Download an export; gives the file."""
        with self.page.expect_download(timeout=TRAINING_MS) as waiting:
            card.get_by_text("Download").click()
        target = folder / waiting.value.suggested_filename
        waiting.value.save_as(target)
        return target
