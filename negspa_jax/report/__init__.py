"""Renders a study: one page, tables, figures, checklists; computes no number."""
