"""Verification: an export is loaded again in a fresh process and compared with what was trained."""
