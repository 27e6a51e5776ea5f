"""How a run is ended early: who may ask, when the main thread is let know, what is overdue."""
