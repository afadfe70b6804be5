"""A downloader for pooch that goes on where a broken download stopped."""

from __future__ import annotations

import os
from typing import Any

import requests

_CONNECT_AND_READ_SECONDS = (10, 30)
_ATTEMPTS = 4
_CHUNK = 1 << 14  # bytes; of a broken connection, all but the last incomplete chunk is kept
_BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class ResumingDownloader:
    """pooch deletes its temporary file when a download fails, so the bytes go to `part`, a file
    that stays.

    `resumed` says whether the last download began with bytes of an earlier call.
    """

    def __init__(self, part: Any) -> None:
        self.part = part
        self.resumed = False

    def __call__(self, url: str, output_file: Any, _pooch: Any) -> Any:
        self.resumed = self._size() > 0
        for attempt in range(1, _ATTEMPTS + 1):
            before = self._size()
            try:
                self._fetch_the_rest(url)
                break
            except _BROKEN:
                # Going on at once is sensible only while the connection brings something.
                if attempt == _ATTEMPTS or self._size() == before:
                    raise
        os.replace(self.part, output_file)

    def _size(self) -> Any:
        return self.part.stat().st_size if self.part.exists() else 0

    def _fetch_the_rest(self, url: Any) -> Any:
        have = self._size()
        headers = {
            "Accept-Encoding": "identity"
        }  # the bytes as they are, or positions in them mean nothing
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(
            url, headers=headers, stream=True, timeout=_CONNECT_AND_READ_SECONDS
        ) as response:
            continues = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if have and (
                response.status_code == 416 or (response.status_code == 206 and not continues)
            ):
                # The server has no such rest: what is here is of another file, or is already whole.
                self.part.unlink()
                return self._fetch_the_rest(url)
            response.raise_for_status()
            self._write(response, append=response.status_code == 206)

    def _write(self, response: Any, append: Any) -> None:
        arrived = 0
        with open(self.part, "ab" if append else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                arrived += file.write(chunk)
        # Older versions of urllib3 do not mind when a connection ends early.
        announced = int(response.headers.get("Content-Length", arrived))
        if arrived < announced:
            raise requests.ConnectionError(
                f"the connection ended after {arrived} of {announced} bytes"
            )
