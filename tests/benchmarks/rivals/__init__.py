"""Programs that the training benchmark runs beside ours, each in an environment of its own."""
