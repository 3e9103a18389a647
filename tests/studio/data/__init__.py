"""Tests of reading, recognising, checking and splitting data."""
