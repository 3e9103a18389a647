"""Tests of studio.evaluation."""
