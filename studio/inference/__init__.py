"""Using a trained model: opening a run, answering with it and with its base. This floor uses torch."""
