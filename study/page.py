"""Pages that need no other file."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined


def render(template: Path, known: Any, **words: str) -> str:
    """A template with ``words`` in its text, and ``known`` for its script, whatever the names in it are."""
    script = json.dumps(known).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template.read_text("utf-8")).render(known=script, **words)
