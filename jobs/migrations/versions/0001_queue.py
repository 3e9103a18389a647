"""The queue's first tables: jobs, the slots they hold, and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create jobs, job_slots and job_events."""
    _create_jobs()
    op.create_table(
        "job_slots",
        sa.Column("slot", sa.String, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_job_slots"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_slots_job_id"),
    )
    op.create_index("ix_job_slots_job_id", "job_slots", ["job_id"])
    op.create_table(
        "job_events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_events"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_events_job_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_events_job_id", "job_events", ["job_id"])


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("spec_version", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("position", sa.Float, nullable=False),
        sa.Column("slot_kind", sa.String, nullable=False),
        sa.Column("slots_wanted", sa.Integer, nullable=False),
        sa.Column("needs_bytes", sa.Integer),
        sa.Column("after", sa.Integer),
        sa.Column("waiting_for", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("owners_lost", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("intent", sa.String),
        sa.Column("run_after", sa.Float, nullable=False),
        sa.Column("lease_token", sa.String),
        sa.Column("lease_expires", sa.Float),
        sa.Column("runner_pid", sa.Integer),
        sa.Column("runner_start", sa.Float),
        sa.Column("boot_id", sa.String),
        sa.Column("error_code", sa.String),
        sa.Column("error", sa.Text),
        sa.Column("result", sa.JSON),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(["after"], ["jobs.id"], name="fk_jobs_after"),
        sa.CheckConstraint(
            "state IN ('queued', 'starting', 'running', 'paused', "
            "'succeeded', 'failed', 'cancelled')",
            name="ck_jobs_state",
        ),
        sa.CheckConstraint(
            "intent IS NULL OR intent IN ('pause', 'cancel')", name="ck_jobs_intent"
        ),
        sa.CheckConstraint(
            "(state IN ('starting', 'running')) = (lease_token IS NOT NULL)",
            name="ck_jobs_active_has_lease",
        ),
        sa.CheckConstraint("slots_wanted >= 1", name="ck_jobs_slots_wanted"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_jobs_run_order",
        "jobs",
        [sa.text("priority DESC"), "position", "id"],
        sqlite_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_jobs_state", "jobs", ["state"])
    op.create_index("ix_jobs_after", "jobs", ["after"])
