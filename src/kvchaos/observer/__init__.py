"""The observer: follows every engine's event stream on a path that no fault cuts."""
