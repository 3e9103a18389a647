"""The pages: a local web program in a window of its own; never imports torch, transformers or peft."""

from studio.ui import stubs

stubs.leave_out()
