"""Every table of a report, made from a study without computing a number."""
