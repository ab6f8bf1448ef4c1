"""Numbers, ranges and verdicts of moments in words, for terminals and pages."""

from __future__ import annotations

__all__ = ["format_range", "format_value"]


def format_value(value: float | None) -> str:
    """Number with three digits that count.

    Parameters
    ----------
    value : float or None
        Number; None is shown as a dash.

    Returns
    -------
    str
        The number; from a million on in millions.

    Examples
    --------
    >>> [format_value(value) for value in (0.02341, 1234.4, 1.134e8, None)]
    ['0.0234', '1,234', '113 M', '–']
    """
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.3g} M"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def format_range(low: float | None, high: float | None) -> str:
    """Range in words.

    Parameters
    ----------
    low, high : float or None
        Ends; None leaves one open.

    Returns
    -------
    str
        Range, single figure, or a dash where there is none.

    Examples
    --------
    >>> format_range(0.03, 0.05), format_range(None, 2.0), format_range(1.0, None)
    ('0.03 to 0.05', 'at most 2', 'at least 1')
    >>> format_range(0.6, 0.6), format_range(None, None)
    ('0.6', '–')
    """
    if low is None and high is None:
        return "–"
    if low is None:
        return f"at most {format_value(high)}"
    if high is None:
        return f"at least {format_value(low)}"
    return format_value(low) if low == high else f"{format_value(low)} to {format_value(high)}"
