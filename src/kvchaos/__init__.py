"""Chaos experiments for KV-cache-aware LLM gateways: did the prefix index recover?"""
