"""What speaks against an experiment before anything is touched: all of it at once."""
