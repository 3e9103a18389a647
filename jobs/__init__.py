"""A small durable job queue in one SQLite file: a job is a task's name and a JSON spec."""
