"""Data files: reading, recognising columns, making examples, finding problems, splitting."""
