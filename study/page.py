"""Pages that need no other file."""

import json
from typing import Any


def in_script(value: Any) -> str:
    """JSON that may stand in a script element, whatever the names in it are."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
