"""What a page's address says stays text: what a parameter means is for the page to decide.

Panel turns values into numbers and lists before anybody asks for them, and gives up on some that
only look like numbers (``²``, or thousands of digits): the answer was then "500 Internal Server
Error" instead of a page.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from panel.io import location

# More parameters than any page has; one with more of them says nothing.
MOST_PARAMETERS = 100


def texts(query: str) -> dict[str, str]:
    """Read the parameters of an address.

    Examples
    --------
    >>> texts("?step=²&layer=1e3")
    {'step': '²', 'layer': '1e3'}
    """
    try:
        return dict(parse_qsl(query.removeprefix("?"), max_num_fields=MOST_PARAMETERS))
    except ValueError:
        return {}


def keep_as_texts() -> None:
    """Let Panel read addresses so, for all sessions of this process."""
    if hasattr(location, "parse_query"):
        location.parse_query = texts
