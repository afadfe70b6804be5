"""A trace of MXNet's profiler as a file that every viewer of Chrome's traces reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

# The profiler names its processes ("cpu/0", "operator") in the first file of a run of Python alone.
_names: dict[int, dict] = {}


def mend(written, mended):
    """Write the trace in the file `written` as JSON into `mended`.

    All files after the first begin with a comma, and threads have numbers of 64 bits, which
    JavaScript rounds.
    """
    text = re.sub(r"\[\s*,", "[", Path(written).read_text(), count=1)
    events = json.loads(text)["traceEvents"]
    _names.update({e["pid"]: e for e in events if e.get("name") == "process_name"})
    events = [*_names.values(), *(e for e in events if e.get("name") != "process_name")]
    small: dict[int, int] = {}
    events = [
        event
        | {key: small.setdefault(event[key], len(small)) for key in ("pid", "tid") if key in event}
        for event in events
    ]
    Path(mended).write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}))
