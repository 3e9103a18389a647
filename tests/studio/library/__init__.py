"""Tests of the records: kept datasets and drafts."""
