"""A vLLM double: prefix-caching block pool, KV-cache events, OpenAI-compatible HTTP; no model."""
