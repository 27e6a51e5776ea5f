"""A reference router: index of who holds which prefix, kept right by replay; routes completions."""
