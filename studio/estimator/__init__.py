"""What a training needs, before it is started: parameters, memory, time, disk. This floor uses torch.

Nothing here loads weights: a model is built from its configuration on the meta device, and the
trainer's own step is run on it.
"""
