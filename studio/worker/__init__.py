"""Workers: processes that hold torch, so that pages and commands need not. `client` never imports it."""
