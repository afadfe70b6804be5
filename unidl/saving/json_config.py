"""JSON text that holds a config, from a file or a stranger."""

from __future__ import annotations

import json
from typing import Any

# characters: of a config, which has a thousand for each layer
LONGEST_JSON = 64 << 20


def config_of(text: str | bytes, who: str, source: str) -> Any:
    """The data in `text`; a ValueError says that it is not what `source` is, or too long."""
    if len(text) > LONGEST_JSON:
        raise ValueError(
            f"{who}: the text has {len(text):,} characters; a model's has fewer than "
            f"{LONGEST_JSON:,}."
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{who}: the text is not JSON ({error}). Give {source}.") from None
