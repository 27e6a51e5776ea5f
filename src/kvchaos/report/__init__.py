"""What a person reads of a run: from (history, verdict) alone."""
