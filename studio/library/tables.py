"""The studio's tables in the shared SQLite file; their names begin with `studio_`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from jobs.schema import Schema

SCHEMA = Schema(
    folder=Path(__file__).parent / "migrations", newest="0006", version_table="studio_version"
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
    sa.Column("licence", sa.Text, nullable=False, server_default=""),
    sa.PrimaryKeyConstraint("hash", name="pk_studio_datasets"),
)

IMPORTS = sa.Table(
    "studio_imports",
    METADATA,
    sa.Column("path", sa.Text, nullable=False),
    # The part asked for; empty where the reader chose.
    sa.Column("part", sa.Text, nullable=False),
    # The file's state and the way of reading: where it differs the file is read anew.
    sa.Column("stamp", sa.Text, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
    # What the reader found out: format, parts, part, notes.
    sa.Column("found", sa.JSON, nullable=False),
    sa.PrimaryKeyConstraint("path", "part", name="pk_studio_imports"),
)

VERSIONS = sa.Table(
    "studio_versions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # The hash of the first version: what all versions of one import have in common.
    sa.Column("line", sa.String, nullable=False),
    sa.Column("parent", sa.Integer, nullable=True),
    sa.Column("hash", sa.String, nullable=False),
    # How it came from its parent: {"check", "fix", "rows", "words"}.
    sa.Column("fix", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

SPLITS = sa.Table(
    "studio_splits",
    METADATA,
    sa.Column("name", sa.String, nullable=False),
    sa.Column("line", sa.String, nullable=False),
    # The names of the groups that are held out, 16 bytes each, ascending.
    sa.Column("groups", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("name", "line", name="pk_studio_splits"),
)

DRAFTS = sa.Table(
    "studio_drafts",
    METADATA,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_studio_drafts"),
)

NOTES = sa.Table(
    "studio_notes",
    METADATA,
    sa.Column("job_id", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("is_starred", sa.Boolean, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.PrimaryKeyConstraint("job_id", name="pk_studio_notes"),
)

RESIDUALS = sa.Table(
    "studio_residuals",
    METADATA,
    sa.Column("job_id", sa.Integer, nullable=False),
    # The device in words: a home that moved to another machine learns anew.
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("precision", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    # As computed, before any correction; both of a pair or none.
    sa.Column("predicted_bytes", sa.Integer, nullable=True),
    sa.Column("measured_bytes", sa.Integer, nullable=True),
    sa.Column("predicted_seconds", sa.Float, nullable=True),
    sa.Column("measured_seconds", sa.Float, nullable=True),
    sa.Column("ended_at", sa.Float, nullable=False),
    sa.PrimaryKeyConstraint("job_id", name="pk_studio_residuals"),
)
