"""Hours of the day within which a job may run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add jobs.hours; those there already run at any time."""
    op.add_column("jobs", sa.Column("hours", sa.String))
