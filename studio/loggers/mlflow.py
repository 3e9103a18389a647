"""MLflow: a database file in the run's folder, or a tracking server where one is named."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from jobs import durable
from studio.loggers.logger import About, Logger, LoggerSettings

_LONGEST_PARAMETER = 500


class Settings(LoggerSettings):
    """What can be set for MLflow."""

    tracking_uri: str | None = Field(
        None,
        title="Tracking server",
        description="Address of your MLflow server; left out, a file in the run's folder.",
    )
    experiment: str = Field(
        "whetstone",
        min_length=1,
        max_length=200,
        title="Experiment",
        description="Its experiment there.",
    )


class _Run:
    def __init__(self, settings: Settings, about: About) -> None:
        # MLflow reports its own use to its makers unless told not to.
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        self.errors: tuple[type[Exception], ...] = (MlflowException,)
        # The plain files of earlier versions are refused by MLflow itself since 3.7.
        uri = settings.tracking_uri or f"sqlite:///{(about.folder / 'mlflow.db').as_posix()}"
        self._client: Any = MlflowClient(tracking_uri=uri)
        self._id = self._run_id(settings, about)

    def _run_id(self, settings: Settings, about: About) -> str:
        """The run of an earlier attempt, else a new one."""
        file = about.folder / "run_id.txt"
        if file.exists():
            run_id = file.read_text(encoding="utf-8").strip()
            self._client.update_run(run_id, status="RUNNING")
            return run_id
        found = self._client.get_experiment_by_name(settings.experiment)
        experiment = (
            found.experiment_id if found else self._client.create_experiment(settings.experiment)
        )
        run_id = str(self._client.create_run(experiment, run_name=about.name).info.run_id)
        for name, value in about.config.items():
            self._client.log_param(run_id, name, str(value)[:_LONGEST_PARAMETER])
        durable.write_text(file, run_id)
        return run_id

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._client.log_metric(self._id, name, value, step=step)

    def close(self, *, succeeded: bool) -> None:
        self._client.set_terminated(self._id, "FINISHED" if succeeded else "FAILED")


def open_sink(settings: Settings, about: About) -> _Run:
    """A run of MLflow's; raises MlflowException where the server does not answer."""
    return _Run(settings, about)


LOGGER = Logger(
    name="mlflow",
    title="MLflow",
    sentence="Writes the curves for MLflow; into a file unless you name a server.",
    package="mlflow",
    requirement="mlflow-skinny>=3,<4",
    settings=Settings,
    open=open_sink,
)
