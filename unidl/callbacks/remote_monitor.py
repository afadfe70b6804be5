"""RemoteMonitor."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import numpy as np

from unidl.callbacks.callback import Callback
from unidl.utils.rules import FLAG, TEXT

_TIMEOUT = 10.0  # seconds that an epoch's end waits for a server which does not answer


class RemoteMonitor(Callback):
    """Send the logs of each epoch to a server, by POST.

    If the server cannot be reached or refuses, there is a warning and training goes on.

    Args:
        root: address of the server, "http://..." or "https://...".
        path: what follows it.
        field: name of the form's field that holds the logs as JSON.
        headers: {name: value} to send as well.
        send_as_json: send the JSON itself, as "application/json", instead of a form.

    Examples:
        >>> monitor = unidl.callbacks.RemoteMonitor("http://localhost:9000", send_as_json=True)
        >>> model.fit(x, y, callbacks=[monitor])  # doctest: +SKIP
    """

    of_one_process = True

    _rules: ClassVar = {"root": TEXT, "path": TEXT, "field": TEXT, "send_as_json": FLAG}

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(headers, Mapping | None):
            raise TypeError(
                "RemoteMonitor: headers must be a dict of strings, {name: value}, got "
                f"{headers!r}."
            )
        if not root.startswith(("http://", "https://")):
            raise ValueError(
                f'RemoteMonitor: root must begin with "http://" or "https://", got {root!r}.'
            )
        try:
            urlsplit(root + path).port  # noqa: B018 - reading it is what looks at it
        except ValueError as error:
            raise ValueError(
                f"RemoteMonitor: {root + path!r}, which is root + path, is not a valid address: "
                f"{error}."
            ) from error
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        text = json.dumps({"epoch": epoch, **{k: _plain(v) for k, v in (logs or {}).items()}})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        request = urllib.request.Request(
            self.root + self.path,
            body.encode(),
            {"Content-Type": f"application/{kind}", **(self.headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT):
                pass
        except (urllib.error.URLError, OSError) as error:
            warnings.warn(
                f"RemoteMonitor: epoch {epoch + 1} was not sent to {request.full_url}: {error}.",
                stacklevel=2,
            )


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
