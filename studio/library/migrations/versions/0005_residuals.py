"""What was predicted of finished runs, and what was measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create studio_residuals."""
    op.create_table(
        "studio_residuals",
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("precision", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("predicted_bytes", sa.Integer, nullable=True),
        sa.Column("measured_bytes", sa.Integer, nullable=True),
        sa.Column("predicted_seconds", sa.Float, nullable=True),
        sa.Column("measured_seconds", sa.Float, nullable=True),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_studio_residuals"),
    )
