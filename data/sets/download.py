"""Downloads, checked by their sha256 and kept in the user's cache."""

import hashlib
import logging
import os
import time
import zipfile
from pathlib import Path

from data.errors import DataError

log = logging.getLogger(__name__)
LIMIT = 1 << 26  # bytes of a file: 64 MB, twice the largest of ours
SECONDS = 600.0  # that a download may take altogether
CHUNK = 1 << 16  # bytes, after which both are looked at


def fetch(
    url: str,
    sha256: str,
    folder: Path | None = None,
    timeout: int = 30,
    limit: int = LIMIT,
    seconds: float = SECONDS,
) -> Path:
    """Return the local path of the file at `url`, downloading it unless it is cached.

    A download stays in memory until its checksum is right, and the file is moved into place when it is whole.
    So a failed one, or one that is killed, leaves nothing behind and never replaces a good file.

    Args:
        url: where the file is.
        sha256: the checksum it must have, in hexadecimal.
        folder: where to keep it; the user's cache for "twinformer" unless given.
        timeout: seconds to wait for the server to answer, each time.
        limit: bytes that the file may have.
        seconds: how long the whole download may take.

    Raises:
        DataError: no network, no such file, a cut connection, too large or slow a file, or a wrong checksum.
    """
    import pooch  # type: ignore[import-untyped]  # slow to load

    folder = Path(folder or pooch.os_cache("twinformer"))
    path = folder / pooch.utils.unique_file_name(url)
    remedy = "get it by other means and name its folder with --data-dir or TWINFORMER_DATA"
    try:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
        log.warning("Downloading %s to %s (or %s).", url, path, remedy)
        content = _download(url, timeout, limit, time.monotonic() + seconds)
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            raise ValueError(f"its hash is sha256 {found}, and not {sha256}")
        _keep(path, content)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise DataError(
            f"could not download {url} to {path} ({error}); try again later, or {remedy}."
        ) from error
    return path


def _download(url: str, timeout: int, limit: int, until: float) -> bytes:
    """The content of `url`. Raises OSError, or ValueError where it is too large."""
    import requests  # slow to load
    from urllib3.exceptions import HTTPError

    content = bytearray()
    with requests.get(url, stream=True, timeout=timeout) as response:
        response.raise_for_status()
        try:
            while chunk := response.raw.read1(CHUNK, decode_content=True):  # what came, not a whole chunk
                content += chunk
                if len(content) > limit:
                    raise ValueError(f"it has more than {limit:,} bytes")
                if time.monotonic() > until:
                    raise TimeoutError(f"only {len(content):,} bytes came in time")
        except HTTPError as error:
            raise OSError(str(error)) from error
    return bytes(content)


def _keep(path: Path, content: bytes) -> None:
    """Put a file into its place whole. What a process left that was killed while it wrote is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{path.name}.*.partial"):
        left.unlink(missing_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_member(archive: Path, member: str) -> bytes:
    """Return one file of a zip archive; nothing is unpacked on disk, so nothing can be half there.

    Raises:
        DataError: `archive` is no zip archive, or has no such member.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            if opened.getinfo(member).file_size > LIMIT:
                raise DataError(f"{member!r} in {archive} has more than {LIMIT:,} bytes: delete the archive.")
            return opened.read(member)
    except (OSError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(
            f"could not read {member!r} from {archive}: {error}; delete the archive and try again."
        ) from error
