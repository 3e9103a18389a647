"""The tests: they mirror the code path for path."""
