"""The commands of the studio: words for people on standard error, results on standard output."""
