"""Every figure of a report as SVG, drawn from a study without computing a number."""
