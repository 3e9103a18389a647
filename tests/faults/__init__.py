"""What the queue survives: real processes, killed and starved."""
