"""Failures explained: why a job stopped, the line that proves it, and what to do about it."""

from studio.failures.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
