"""HTML of templates, which show what they are given as text: a run comes from a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parents[1] / "templates"

TEMPLATE_ENGINE = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,  # a name that is missing is a fault, not an empty text
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    template : str
        Name of a file in `explorer/templates/`.
    **values
        What the template names. Texts are escaped, whatever they hold.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    jinja2.TemplateNotFound
        There is no such file.
    jinja2.UndefinedError
        The template names a value that is not given.
    """
    return TEMPLATE_ENGINE.get_template(template).render(values)
