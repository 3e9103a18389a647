"""Tests of studio.models."""
