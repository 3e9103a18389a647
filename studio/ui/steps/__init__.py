"""The steps of a new training, one file each: their controls, and what they show of the draft."""
