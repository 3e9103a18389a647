"""How good answers are: scores that code works out, row by row."""
