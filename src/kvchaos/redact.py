"""Secrets taken out of whatever is written or shown. Pure but for the values it was told of."""
