"""The queue's tables as SQLAlchemy sees them; `migrations/` makes them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA = "0002"
"""The newest revision in `migrations/versions`: a database at this revision is opened as it is."""

VERSION_TABLE = "jobs_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("task", String, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("spec_version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("position", Float, nullable=False),
    Column("slot_kind", String, nullable=False),
    Column("slots_wanted", Integer, nullable=False),
    Column("needs_bytes", Integer),
    Column("after", Integer, ForeignKey("jobs.id")),
    Column("waiting_for", Text),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("owners_lost", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("intent", String),
    Column("run_after", Float, nullable=False),
    Column("lease_token", String),
    Column("lease_expires", Float),
    Column("runner_pid", Integer),
    Column("runner_start", Float),
    Column("boot_id", String),
    Column("error_code", String),
    Column("error", Text),
    Column("result", JSON(none_as_null=True)),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("hours", String),
    CheckConstraint(
        "state IN ('queued', 'starting', 'running', 'paused', 'succeeded', 'failed', 'cancelled')",
        name="state",
    ),
    CheckConstraint("intent IS NULL OR intent IN ('pause', 'cancel')", name="intent"),
    CheckConstraint(
        "(state IN ('starting', 'running')) = (lease_token IS NOT NULL)", name="active_has_lease"
    ),
    CheckConstraint("slots_wanted >= 1", name="slots_wanted"),
    # A number once given to a job is never given again: run folders are named by it.
    sqlite_autoincrement=True,
)
Index(
    "ix_jobs_run_order",
    jobs.c.priority.desc(),
    jobs.c.position,
    jobs.c.id,
    sqlite_where=jobs.c.state == "queued",
)
Index("ix_jobs_state", jobs.c.state)
Index("ix_jobs_after", jobs.c.after)

job_slots = Table(
    "job_slots",
    metadata,
    # The primary key is the rule "a slot has at most one job", kept by the database itself.
    Column("slot", String, primary_key=True),
    Column("job_id", Integer, ForeignKey("jobs.id"), nullable=False, index=True),
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", Integer, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("words", Text, nullable=False),
    sqlite_autoincrement=True,
)
