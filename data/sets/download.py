"""Downloads, checked by their sha256 and kept in the user's cache."""

import logging
import zipfile
from pathlib import Path

import pooch  # type: ignore[import-untyped]

from data.errors import DataError

log = logging.getLogger(__name__)
pooch.get_logger().setLevel(logging.ERROR)  # the line logged below says more than pooch's own


def fetch(url: str, sha256: str, folder: Path | None = None, timeout: int = 30) -> Path:
    """Return the local path of the file at `url`, downloading it unless it is cached.

    A download goes to a temporary file and is moved into place only once its checksum is right, so
    a failed one leaves nothing behind and never replaces a good file.

    Args:
        url: where the file is.
        sha256: the checksum it must have, in hexadecimal.
        folder: where to keep it; the user's cache for "twinformer" unless given.
        timeout: seconds to wait for the server to answer.

    Raises:
        DataError: no network, no such file, a cut connection, or a wrong checksum.
    """
    folder = Path(folder or pooch.os_cache("twinformer"))
    name = pooch.utils.unique_file_name(url)
    path = folder / name
    remedy = "get it by other means and name its folder with --data-dir or TWINFORMER_DATA"

    def download(*arguments) -> None:  # pooch calls it only when there is something to download
        log.warning("Downloading %s to %s (or %s).", url, path, remedy)
        pooch.HTTPDownloader(timeout=timeout)(*arguments)

    try:
        pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder, downloader=download)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors, a wrong hash ValueError
        response = getattr(error, "response", None)
        if response is not None:  # pooch leaves the connection open when the server says 404
            response.close()
        raise DataError(
            f"could not download {url} to {path} ({error}); try again later, or {remedy}."
        ) from error
    return path


def read_member(archive: Path, member: str) -> bytes:
    """Return one file of a zip archive; nothing is unpacked on disk, so nothing can be half there.

    Raises:
        DataError: `archive` is no zip archive, or has no such member.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.read(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"could not read {member!r} from {archive}: {error}; delete the archive and try again."
        ) from error
