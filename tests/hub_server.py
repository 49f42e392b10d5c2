"""A Hub on the loopback interface: repositories with commits and branches over real HTTP, and every way to fail.

It answers what `huggingface_hub` and `datasets` ask today to find and fetch files. A client is sent here by the
environment variable ``HF_ENDPOINT``; nothing of it is patched.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

Kind = Literal["dataset", "model"]
Files = Mapping[str, bytes]


@dataclass
class Repository:
    """What one repository holds."""

    commits: dict[str, Files] = field(default_factory=dict)
    """Commit -> path -> content."""
    refs: dict[str, str] = field(default_factory=dict)
    """Branch or tag -> commit."""
    gated: bool = False
    """Whether its files are kept from those who are not logged in, all of whom the clients here are."""


@dataclass(frozen=True)
class Fault:
    """How requests go wrong whose path a pattern fits."""

    pattern: str
    status: int | None = None
    """Answer with this."""
    cut: Literal["", "before", "within"] = ""
    """Close the connection before the answer, or half way through the content of a file and for good."""
    delay: float = 0.0
    """Wait so many seconds first."""


class Hub:
    """Repositories to serve, faults to show, and what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.repositories: dict[tuple[Kind, str], Repository] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        """Method and decoded path of each request, in order."""
        self.closing = threading.Event()

    def commit(self, repo_id: str, files: Files, *, kind: Kind = "dataset", ref: str = "main", sha: str = "") -> str:
        """Put files into a repository, as all that a new commit has and a branch points to; returns the commit."""
        repository = self.repositories.setdefault((kind, repo_id), Repository())
        content = b"\0".join(path.encode() + b"\0" + files[path] for path in sorted(files))
        sha = sha or hashlib.sha1(f"{repo_id} {ref} ".encode() + content).hexdigest()
        repository.commits[sha] = dict(files)
        repository.refs[ref] = sha
        return sha

    def asked(self, pattern: str) -> list[str]:
        """The requests that a pattern is found in."""
        return [request for request in self.requests if re.search(pattern, request)]


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A Hub that is served until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()  # slow answers need not be waited for
        server.shutdown()
        server.server_close()
        thread.join()


_API = re.compile(
    r"/api/(?P<kind>dataset|model)s/(?P<repo>[^/]+/[^/]+)(?:/(?P<verb>revision|tree|paths-info)/(?P<ref>[^/]+)(?:/(?P<path>.+))?)?"
)
_FILE = re.compile(r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<ref>[^/]+)/(?P<path>.+)")


class _RefusedError(Exception):
    """A request is answered with an error as the Hub words it."""

    def __init__(self, status: int, code: str, commit: str | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.commit = status, code, commit


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {unquote(path)}")
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode()) if length else {}
        fault = next((f for f in self.hub.faults if re.search(f.pattern, unquote(path))), None)
        if fault is not None and fault.delay:
            self.hub.closing.wait(fault.delay)
        try:
            if fault is not None and fault.status is not None:
                raise _RefusedError(fault.status, "")
            if fault is not None and fault.cut == "before":
                self.close_connection = True
            elif match := _FILE.fullmatch(path):
                self._file(match, cut=fault is not None and fault.cut == "within")
            elif match := _API.fullmatch(path):
                self._json(self._api(match, form))
            else:
                raise _RefusedError(404, "")
        except _RefusedError as error:
            self._error(error)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client waits no longer

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _files(self, kind: Kind, repo: str, ref: str, *, content: bool) -> tuple[str, Files, Repository]:
        """Commit and files of a reference."""
        repository = self.hub.repositories.get((kind, repo))
        if repository is None:
            raise _RefusedError(401, "RepoNotFound")  # the Hub tells nobody unknown what exists
        if repository.gated and content:
            raise _RefusedError(401, "GatedRepo")
        sha = repository.refs.get(unquote(ref), unquote(ref))
        if sha not in repository.commits:
            raise _RefusedError(404, "RevisionNotFound")
        return sha, repository.commits[sha], repository

    def _api(self, match: re.Match[str], form: Mapping[str, list[str]]) -> Any:
        kind: Kind = "dataset" if match["kind"] == "dataset" else "model"
        asks_files = match["verb"] in ("tree", "paths-info")
        sha, files, repository = self._files(kind, match["repo"], match["ref"] or "main", content=asks_files)
        if match["verb"] == "tree":
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() in ("true", "1")
            return _tree(files, unquote(match["path"] or ""), sha, recursive=recursive)
        if match["verb"] == "paths-info":
            wanted = form.get("paths", [])
            return [entry for entry in _tree(files, "", sha, recursive=True) if entry["path"] in wanted]
        gated = "manual" if repository.gated else False
        return {
            "_id": "0" * 24,
            "id": match["repo"],
            "sha": sha,
            "private": False,
            "gated": gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "lastModified": _DATE,
            "siblings": [{"rfilename": path} for path in files],
        }

    def _file(self, match: re.Match[str], *, cut: bool) -> None:
        kind: Kind = "dataset" if match["kind"] else "model"
        sha, files, _ = self._files(kind, match["repo"], match["ref"], content=True)
        content = files.get(unquote(match["path"]))
        if content is None:
            raise _RefusedError(404, "EntryNotFound", sha)
        start = int((re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "") or ["", "0"])[1])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", sha)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut:
            content = content[: 0 if start else len(content) // 2]  # nothing more for a client that resumes
            self.close_connection = True
        self.wfile.write(content[start:])

    def _json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, error: _RefusedError) -> None:
        self.send_response(error.status)
        if error.code:
            self.send_header("X-Error-Code", error.code)
            self.send_header("X-Error-Message", error.code)
        if error.commit:
            self.send_header("X-Repo-Commit", error.commit)
        self.send_header("Content-Length", "0")
        self.end_headers()


_DATE = "2024-01-01T00:00:00.000Z"


def _tree(files: Files, folder: str, sha: str, *, recursive: bool) -> list[dict[str, Any]]:
    """Files and folders below a folder, as the Hub lists them."""
    last = {"id": sha, "title": "x", "date": _DATE}
    found: dict[str, dict[str, Any]] = {}
    base = PurePosixPath(folder)
    for path, content in files.items():
        if folder and base not in PurePosixPath(path).parents:
            continue
        oid = hashlib.sha1(content).hexdigest()
        found[path] = {"type": "file", "path": path, "oid": oid, "size": len(content), "lastCommit": last}
        for parent in PurePosixPath(path).parents:
            if parent != base and (not folder or base in parent.parents) and str(parent) != ".":
                found[str(parent)] = {"type": "directory", "path": str(parent), "oid": oid, "size": 0}
    if folder and not found:
        raise _RefusedError(404, "EntryNotFound", sha)
    return [found[path] for path in sorted(found) if recursive or PurePosixPath(path).parent == base]
