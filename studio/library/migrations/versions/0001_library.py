"""The studio's first tables: kept datasets and drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create studio_datasets and studio_drafts."""
    op.create_table(
        "studio_datasets",
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source_file", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("columns", sa.JSON, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_studio_datasets"),
    )
    op.create_table(
        "studio_drafts",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_studio_drafts"),
    )
