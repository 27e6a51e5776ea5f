"""Requests that make engines store blocks: unique prompts, one completion, a bounded load."""
