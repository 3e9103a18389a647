"""Runs are compared by the processor's seconds of the whole; before, by the clock's of their steps."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forget the earlier pairs of seconds."""
    op.execute("UPDATE studio_residuals SET predicted_seconds = NULL, measured_seconds = NULL")
