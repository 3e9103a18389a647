"""The versions that fixes make of a dataset, and which groups of rows were ever held out."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create studio_versions and studio_splits."""
    op.create_table(
        "studio_versions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("parent", sa.Integer, nullable=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("fix", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "studio_splits",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("groups", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", "line", name="pk_studio_splits"),
    )
