"""Downloads, from a server that the test starts on this machine."""

import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from data.errors import DataError
from data.sets import polarity
from data.sets.download import LIMIT, fetch, read_member

CONTENT = b"sentence " * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves `content` at /file.zip; announces `announced` bytes and counts the requests."""

    def __init__(self):
        self.content, self.announced, self.requests, self.pause = CONTENT, len(CONTENT), 0, 0.0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):
                self.requests += 1
                if handler.path != "/file.zip":
                    handler.send_error(404)
                    return
                handler.send_response(200)
                handler.send_header("Content-Length", str(self.announced))
                handler.end_headers()
                pieces = 20 if self.pause else 1
                size = -(-len(self.content) // pieces)
                with contextlib.suppress(OSError):  # the client may have gone
                    for begin in range(0, len(self.content), size):
                        handler.wfile.write(self.content[begin : begin + size])
                        time.sleep(self.pause)

            def log_message(handler, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/file.zip"

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    if server.thread.is_alive():
        server.stop()


def test_the_right_file_arrives_and_the_log_says_how_to_avoid_the_download(server, tmp_path, caplog):
    path = fetch(server.url, SHA256, tmp_path)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
    for word in (server.url, str(path), "--data-dir", "TWINFORMER_DATA"):
        assert word in caplog.text


def test_the_second_call_is_served_from_the_cache_with_the_server_gone(server, tmp_path, caplog):
    first = fetch(server.url, SHA256, tmp_path)
    server.stop()
    caplog.clear()
    assert fetch(server.url, SHA256, tmp_path) == first
    assert server.requests == 1
    assert not caplog.records


def fails(url, folder, *words, **limits):
    with pytest.raises(DataError) as error:
        fetch(url, SHA256, folder, timeout=5, **limits)
    for word in (url, str(folder), "--data-dir", "TWINFORMER_DATA", *words):
        assert word in str(error.value)


def test_a_wrong_checksum_is_refused_and_leaves_nothing(server, tmp_path):
    server.content = CONTENT[:-1] + b"!"
    fails(server.url, tmp_path, "hash", SHA256)
    assert not list(tmp_path.iterdir())


def test_a_cut_connection_is_refused_and_leaves_nothing(server, tmp_path):
    server.content = CONTENT[:20_000]
    fails(server.url, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_too_large_is_given_up(server, tmp_path):
    server.content, server.announced = bytes(1 << 20), 1 << 20
    fails(server.url, tmp_path, "more than 100,000 bytes", limit=100_000)
    assert not list(tmp_path.iterdir())


def test_a_server_that_drips_is_given_up(server, tmp_path):
    server.pause = 0.1
    begun = time.monotonic()
    fails(server.url, tmp_path, "bytes came in time", seconds=0.3)
    assert time.monotonic() - begun < 1.5  # each piece came well before the timeout of 5 s
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_download_that_is_killed_leaves_nothing(server, tmp_path, number):
    server.pause = 0.2
    program = (
        f"from data.sets.download import fetch; fetch({server.url!r}, {SHA256!r}, {str(tmp_path / 'x')!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ, stderr=subprocess.DEVNULL)
    while not server.requests:
        time.sleep(0.02)
    time.sleep(0.5)  # a few pieces have come
    process.send_signal(number)
    assert process.wait() == -number
    assert not (tmp_path / "x").exists() or not list((tmp_path / "x").iterdir())


def test_what_another_left_half_written_is_removed(server, tmp_path):
    path = fetch(server.url, SHA256, tmp_path)
    path.unlink()
    path.with_name(f"{path.name}.1.partial").write_bytes(b"half")
    assert fetch(server.url, SHA256, tmp_path) == path
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_refused(server, tmp_path):
    fails(server.url + ".gone", tmp_path, "404")
    assert not list(tmp_path.iterdir())


def test_no_server_is_refused(server, tmp_path):
    server.stop()
    fails(server.url, tmp_path)


def test_a_file_damaged_in_the_cache_is_fetched_again_but_kept_when_that_fails(server, tmp_path):
    path = fetch(server.url, SHA256, tmp_path)
    path.write_bytes(b"damaged")
    server.content = CONTENT[:20_000]
    fails(server.url, tmp_path)
    assert path.read_bytes() == b"damaged"  # not trusted, and not ours to delete
    server.content = CONTENT
    assert fetch(server.url, SHA256, tmp_path).read_bytes() == CONTENT


def test_a_failed_download_of_another_version_keeps_the_good_file(server, tmp_path):
    path = fetch(server.url, SHA256, tmp_path)
    with pytest.raises(DataError):
        fetch(server.url, "0" * 64, tmp_path)
    assert path.read_bytes() == CONTENT


def test_polarity_reads_the_downloaded_archive(server, tmp_path, monkeypatch):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for sign in ("neg", "pos"):
            lines = "".join(f"{sign} sentence {i}\n" for i in range(5331))
            opened.writestr(f"sentence_polarity/rt-polarity.{sign}", lines)
    server.content = archive.getvalue()
    server.announced = len(server.content)
    monkeypatch.setattr(polarity, "URL", server.url)
    monkeypatch.setattr(polarity, "SHA256", hashlib.sha256(server.content).hexdigest())
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
    loaded = polarity.load()
    assert loaded.test.texts[0] == "neg sentence 4798"
    assert server.requests == 1  # one archive for both files
    assert (tmp_path / "twinformer").is_dir()


def test_an_archive_without_the_member_is_refused(tmp_path):
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("other", "")
    with pytest.raises(DataError, match=r"rt-polarity\.pos.*archive\.zip"):
        read_member(archive, "rt-polarity.pos")
    archive.write_bytes(b"no archive")
    with pytest.raises(DataError, match="not a zip file"):
        read_member(archive, "other")


def test_a_member_that_is_a_bomb_is_refused_before_it_is_read(tmp_path):
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("bomb", bytes(LIMIT + 1))
    with pytest.raises(DataError, match="more than 67,108,864 bytes"):
        read_member(archive, "bomb")
