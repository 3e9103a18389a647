"""Which file became which dataset, so that no file is read twice; and the licence of a dataset."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create studio_imports; give studio_datasets a licence."""
    op.create_table(
        "studio_imports",
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("found", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("path", "part", name="pk_studio_imports"),
    )
    op.add_column(
        "studio_datasets", sa.Column("licence", sa.Text, nullable=False, server_default="")
    )
