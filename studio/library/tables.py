"""The studio's tables in the shared SQLite file; their names begin with `studio_`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from jobs.schema import Schema

SCHEMA = Schema(
    folder=Path(__file__).parent / "migrations", newest="0001", version_table="studio_version"
)

METADATA = sa.MetaData()

DATASETS = sa.Table(
    "studio_datasets",
    METADATA,
    sa.Column("hash", sa.String, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("source_file", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("columns", sa.JSON, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.PrimaryKeyConstraint("hash", name="pk_studio_datasets"),
)

DRAFTS = sa.Table(
    "studio_drafts",
    METADATA,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_studio_drafts"),
)
