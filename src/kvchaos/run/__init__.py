"""One run: its settings, its parts and its state, shared by actions, probes and the control."""
