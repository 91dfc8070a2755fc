"""Declarations and decisions, pure: no input or output, no clock, no asyncio, no third-party import."""
