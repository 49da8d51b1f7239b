"""Pages that need no other file."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

STYLE = Path(__file__).with_name("page.css")  # colours by day and night, and what else all pages share


def render(template: Path, known: Any, **words: str) -> str:
    """A template with ``words`` in its text, and ``known`` for its script, whatever the names in it are."""
    script = json.dumps(known).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    source, style = template.read_text("utf-8"), STYLE.read_text("utf-8")
    return environment.from_string(source).render(known=script, style=style, **words)
