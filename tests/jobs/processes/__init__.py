"""Tests of the processes protocol."""
