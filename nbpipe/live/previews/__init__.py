"""Looks into data without running anything: tables by pages, pictures, text, JSON, folders, bytes."""
