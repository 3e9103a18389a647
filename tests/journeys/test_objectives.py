"""Every goal from a file to a verified export, all in the page. Chat's is in test_first_training.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.journeys.person import Person

pytestmark = pytest.mark.shared_studio


def rows_file(objective: str, folder: Path) -> Path:
    return tiny.write_jsonl(folder / f"{objective}.jsonl", tiny.make_rows_of(objective))


class Journey:
    """A person's way to one goal, with a picture of each stage."""

    def __init__(self, person: Person, objective: str, pictures: Path) -> None:
        self.person = person
        self.objective = objective
        self.pictures = pictures
        self.run = 0

    def looks(self, stage: str) -> None:
        """Take a picture of the whole page."""
        file = self.pictures / f"goal-{self.objective}-{stage}.png"
        self.person.page.screenshot(path=file, full_page=True)

    def trains(self, model: Path, file: Path, goal: str) -> None:
        """From the first page to a training that is done; the goal is the one that the file suggests."""
        person = self.person
        person.begins()
        person.chooses_model(model)
        person.uploads(file)
        expect(person.page.locator("#objective label.selected")).to_contain_text(goal)
        expect(person.page.locator("#preview")).to_contain_text("kettle")
        self.looks("1-data")
        person.goes_on_to_method()
        person.sets("training-epochs", "8")
        person.sets("training-learning_rate", "0.005")
        person.opens_more_settings()
        self.looks("2-method")
        self.run = person.starts_training(goal)
        person.waits_for_a_longer("curve")
        person.waits_until_done()
        assert len(person.curve.split()) > 5

    def asks(self, question: str) -> tuple[str, str]:
        """The answers on Try it, before and after training."""
        self.person.page.goto(f"{self.person.studio.instance.address}try?run={self.run}")
        found = self.person.asks(question)
        self.looks("4-try")
        return found

    def exports(self, *titles: str) -> None:
        """Each of these, verified."""
        for title in titles:
            self.person.page.goto(f"{self.person.studio.instance.address}export?run={self.run}")
            expect(self.person.exports(title)).to_contain_text("Verified.")
        self.looks("5-export")
        assert self.person.complaints == []


def test_texts_are_sorted_with_labels_and_how_sure_the_model_is(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    journey = Journey(person, "classification", pictures)
    journey.trains(tiny_model, rows_file("classification", tmp_path), "Sort texts")
    expect(person.page.locator("#job-figures")).to_contain_text("Sorted right")
    expect(person.page.locator("#job-curve .confusion tbody tr")).to_have_count(4)
    journey.looks("3-job")

    _, after = journey.asks("Is the lamp for 30 euros still in stock?")
    assert "%" in after
    expect(person.page.locator("#answers .tuned .labels li")).to_have_count(4)
    # The whole model holds a head that no base has; both forms are exported of the other goals.
    journey.exports("Whole model")


@pytest.mark.long
@pytest.mark.parametrize(
    ("objective", "goal", "figure"),
    [
        ("text", "Continue my texts", "First guesses right"),
        ("preference", "Prefer the better answer", "Leans the right way"),
        ("seq2seq", "Turn one text into another", "First guesses right"),
    ],
)
def test_every_other_goal_goes_the_same_way(
    person: Person,
    tiny_model: Path,
    tmp_path: Path,
    pictures: Path,
    objective: str,
    goal: str,
    figure: str,
) -> None:
    model = tiny_model
    if objective == "seq2seq":
        model = tiny.make_encoder_decoder(tmp_path / "t5")
    journey = Journey(person, objective, pictures)
    journey.trains(model, rows_file(objective, tmp_path), goal)
    expect(person.page.locator("#job-figures")).to_contain_text(figure)
    journey.looks("3-job")

    assert len(journey.asks("Where can I find a kettle under 10 euros?")) == 2
    journey.exports("Adapter only", "Whole model")


def test_one_label_only_and_a_model_that_cannot_are_said_before_anything_starts(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    rows = [{**row, "label": "same"} for row in tiny.make_rows_of("classification")]
    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(tiny.write_jsonl(tmp_path / "one.jsonl", rows))
    person.page.locator("#objective").get_by_text("Sort texts").click()
    person.page.locator("#next-1").click()
    expect(person.findings).to_contain_text("nothing to tell apart")

    person.page.get_by_text("A file by its path").click()
    pairs = str(rows_file("seq2seq", tmp_path))
    person.page.locator("#data-path textarea, #data-path input").fill(pairs)
    expect(person.page.locator("#objective label.selected")).to_contain_text("Turn one text")
    person.page.locator("#next-1").click()
    expect(person.findings).to_contain_text("encoder and decoder is needed")
    expect(person.page.locator("#next-2")).to_be_hidden()
