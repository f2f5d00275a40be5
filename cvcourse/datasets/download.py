"""One file from the internet: with timeouts, progress and a checksum, and whole or not at all.

Why not pooch: its timeout counts from one byte to the next, so that a server that drips holds it for ever.
"""

import hashlib
import sys
import threading
import time
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cvcourse.stored import whole

CHUNK = 1 << 16
SLOWEST = 1000  # bytes per second: below this, for a whole timeout, a connection counts as dead


def download(url, path, checksum, timeout=10.0):
    """Fetch a file, and print how far it is; returns its path.

    The bytes go to a temporary file beside `path`, which gets its name only when the checksum is right:
    an interrupted download leaves nothing behind.

    Args:
        url: str, http or https.
        path: where to put it; missing folders are made, an existing file is replaced.
        checksum: str, the sha256 or the md5 that the file must have, in hexadecimal.
        timeout: float, seconds to wait for an answer, and then for more of it.

    Returns:
        `path`, as a `pathlib.Path`.

    Raises:
        PermissionError: if the folder cannot be written.
        ConnectionError: if the file could not be had, broke off, or is not the right one.
    """
    path = Path(path)
    digest = hashlib.new("md5" if len(checksum) == 32 else "sha256")
    with whole(path) as out:
        found = _copy(url, out, digest, timeout)
        if found != checksum:
            raise ConnectionError(
                f"{url} did not send the right file (checksum {found[:12]}…, expected {checksum[:12]}…). A "
                "login page or a proxy may have answered, or it was damaged on its way. It was not kept."
            )
    return path


def checksum_is(path, checksum):
    """Whether a file has this sha256 or md5, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5" if len(checksum) == 32 else "sha256").hexdigest() == checksum


def _copy(url, out, digest, timeout):
    """Write what the address sends into `out`; returns its checksum."""
    name = Path(urlsplit(url).path).name
    size, got, start = None, 0, time.monotonic()
    try:
        with _open(url, timeout) as response:
            size = int(response.headers.get("Content-Length") or 0)
            checked, shown = (start, 0), 0.0
            while chunk := response.read1(CHUNK):
                out.write(chunk)
                digest.update(chunk)
                got += len(chunk)
                now = time.monotonic()
                if now - checked[0] > timeout:
                    if got - checked[1] < SLOWEST * timeout:
                        raise TimeoutError(f"only {got:,} bytes in {now - start:.0f} s")
                    checked = (now, got)
                if now - shown > 0.5:
                    shown = now
                    _show(name, got, size, now - start)
    except (OSError, HTTPException, ValueError) as error:
        if got or size is not None:
            raise ConnectionError(f"{url} broke off after {got / 1e6:.1f} MB ({error})") from None
        reason = error if hasattr(error, "code") else getattr(error, "reason", error)  # HTTP has codes
        getattr(error, "close", bool)()  # and an answer that is still open
        raise ConnectionError(f"nothing from {url} ({reason})") from None
    if size and got < size:
        raise ConnectionError(f"{url} broke off after {got / 1e6:.1f} of {size / 1e6:.1f} MB")
    _show(name, got, size, time.monotonic() - start, end="\n")
    return digest.hexdigest()


def _open(url, timeout):
    """`urlopen` that also gives up when the search for the host's address takes too long."""
    answer = SimpleQueue()

    def ask():
        try:
            answer.put(urlopen(Request(url, headers={"User-Agent": "cvcourse"}), timeout=timeout))
        except Exception as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        result = answer.get(timeout=timeout + 1)
    except Empty:
        result = TimeoutError(f"nothing for {timeout:g} s")
    if isinstance(result, Exception):
        raise result
    return result


def _show(name, got, size, seconds, end="\r"):
    share = f"{100 * got / size:3.0f} % of {size / 1e6:.1f} MB" if size else f"{got / 1e6:.1f} MB"
    print(f"{name}: {share}, {seconds:.0f} s   ", end=end, file=sys.stdout, flush=True)
