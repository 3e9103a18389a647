"""Tests of the packages below `studio`, path for path."""
