"""How numbers are written for people: digits, signs, and what is undefined."""

import math

UNDEFINED = "\u2013"  # an en dash, as printed tables have it
MINUS = "\u2212"  # as wide as a digit


def format_number(value: float | None, *, digits: int = 3) -> str:
    """Fixed digits, a true minus sign; undefined as a dash.

    Example:
        >>> format_number(0.87125), format_number(float("nan")) == UNDEFINED
        ('0.871', True)
    """
    if value is None or math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:.{digits}f}"
    # A tiny negative number rounds to zero, and zero has no sign.
    negative = text.startswith("-") and float(text) != 0
    return (MINUS if negative else "") + text.lstrip("-")


def format_interval(low: float, high: float, *, digits: int = 3) -> str:
    """The bounds in brackets; words where they are undefined, or do not differ.

    Example:
        >>> format_interval(0.789, 0.9534).replace(UNDEFINED, "-")
        '(0.789-0.953)'
        >>> format_interval(-0.5, 0.28, digits=1).replace(MINUS, "-")
        '(-0.5 to 0.3)'
    """
    if math.isnan(low) or math.isnan(high):
        return "(no interval)"
    if low == high:
        return "(no spread)"
    # A dash beside a minus sign cannot be told from it.
    between = " to " if min(low, high) < 0 else UNDEFINED
    ends = (format_number(end, digits=digits) for end in (low, high))
    return f"({between.join(ends)})"


def format_p_value(value: float) -> str:
    """Three digits, and what is smaller than they can say as such.

    Example:
        >>> format_p_value(0.0271757), format_p_value(2e-9), format_p_value(0.9996)
        ('0.027', '<0.001', '1.000')
    """
    return "<0.001" if value < 0.001 else format_number(value)


def format_percent(share: float, *, digits: int = 1) -> str:
    """A share of patients as percent, without the sign.

    Example:
        >>> format_percent(0.8889)
        '88.9'
    """
    return format_number(100 * share, digits=digits)


def format_count(count: int | None) -> str:
    """A number of patients, thousands set apart.

    Example:
        >>> format_count(12345)
        '12,345'
    """
    return UNDEFINED if count is None else f"{count:,}"


def format_counted(count: int, noun: str) -> str:
    """A number of things with their noun, which takes an s where it must.

    Example:
        >>> format_counted(1, "patient"), format_counted(1200, "labelled patient")
        ('1 patient', '1,200 labelled patients')
    """
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def shorten_middle(text: str, *, length: int) -> str:
    """The text, or its beginning and its end, which may hold what tells it apart.

    Example:
        >>> shorten_middle("disease duration months, above", length=17)
        'disease…s, above'
    """
    if len(text) <= length:
        return text
    tail = length // 2
    return f"{text[: length - tail - 1].rstrip()}…{text[-tail:]}"


def shorten(text: str, *, length: int) -> str:
    """The text, or its beginning with an ellipsis if it is longer.

    Example:
        >>> shorten("structural damage", length=11)
        'structural…'
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
