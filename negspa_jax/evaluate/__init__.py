"""Scores become evidence: a predictions table in, a whole results section out."""
