"""A Hub on the loopback interface whose repositories are real ones of git, and which can be told to fail.

It answers what `huggingface_hub` sends to find, fetch and change files of models and their pull requests. Who asks is
known by token. Nothing of the client is patched: it is sent here by ``HF_ENDPOINT``, or by its own ``endpoint``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

GIT = shutil.which("git")
Role = Literal["write", "read", "fineGrained"]


@dataclass(frozen=True)
class Account:
    """Whoever has a token."""

    name: str
    role: Role = "write"
    permissions: tuple[str, ...] = ()
    """Of a fine-grained token, on the scope."""
    scope: str = ""
    expired: bool = False

    def whoami(self) -> dict[str, Any]:
        """As the Hub describes it."""
        token: dict[str, Any] = {"displayName": "test", "role": self.role, "createdAt": _DATE}
        if self.role == "fineGrained":
            entity = {"_id": "0" * 24, "type": "model" if "/" in self.scope else "user", "name": self.scope}
            scoped = [{"entity": entity, "permissions": list(self.permissions)}] if self.scope else []
            rights = [] if self.scope else list(self.permissions)
            token["fineGrained"] = {"canReadGatedRepos": False, "global": rights, "scoped": scoped}
        return {
            "type": "user",
            "name": self.name,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": token},
        }


@dataclass
class Fault:
    """How requests go wrong whose method and path a pattern fits, the first `count` of them."""

    pattern: str
    """Of ``METHOD /path?query``, decoded."""
    count: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: Literal["", "before", "after", "within"] = ""
    """Close the connection before the request is carried out, after that without an answer, or half way through one."""
    delay: float = 0.0
    """Carry the request out only after so many seconds, whether anybody still waits or not."""
    drip: float = 0.0
    """Send the content byte by byte with so many seconds in between."""
    after: bool = False
    """Answer with the status only after the request was carried out."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    """Decoded, with its query."""
    authorized: bool


@dataclass
class Pull:
    """A pull request; its commits are in ``refs/pr/N``."""

    number: int
    title: str
    description: str
    author: str
    base: str
    status: str = "open"


@dataclass
class Repository:
    """A bare repository, and what git knows nothing of."""

    folder: Path
    pulls: list[Pull] = field(default_factory=list)
    gated: bool = False
    private: bool = False
    trees: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)
    """Of commits that were looked at before, which never change."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)
    """Of commits by an account; others are of nobody whom the Hub knows."""

    def git(self, *words: str, content: bytes | None = None) -> bytes:
        """The output of a command of git."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            [str(GIT), "-C", str(self.folder), *words], input=content, capture_output=True, env=environment
        )
        if done.returncode:
            raise LookupError(done.stderr.decode())
        return done.stdout

    def head(self, ref: str = "main") -> str:
        """The commit of a branch, tag, pull request or commit; `LookupError` where there is none."""
        names = [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}", ref]
        if re.fullmatch("[0-9a-f]{40}", ref):
            names = [ref]
        for name in names:
            loose = self.folder / name
            if name.startswith("refs/") and loose.is_file():
                return loose.read_text().strip()
            if name in self.trees:
                return name
            try:
                return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
            except LookupError:
                continue
        raise LookupError(ref)

    def tree(self, ref: str = "main") -> dict[str, tuple[str, int]]:
        """Path -> blob and size."""
        commit = self.head(ref)
        if commit in self.trees:
            return self.trees[commit]
        found = self.trees.setdefault(commit, {})
        for line in self.git("ls-tree", "-r", "-l", "-z", commit).decode().split("\0")[:-1]:
            facts, _, path = line.partition("\t")
            _, _, blob, size = facts.split()
            found[path] = (blob, int(size))
        return found

    def read(self, path: str, ref: str = "main") -> bytes:
        """A file."""
        tree = self.tree(ref)
        if path not in tree:
            raise LookupError(path)
        return self.blob(tree[path][0])

    def blob(self, name: str) -> bytes:
        """The content of a blob."""
        if name not in self.blobs:
            self.blobs[name] = self.git("cat-file", "blob", name)
        return self.blobs[name]

    def files(self, ref: str = "main") -> dict[str, bytes]:
        """Path -> content."""
        return {path: self.blob(blob) for path, (blob, _) in self.tree(ref).items()}

    def log(self, ref: str = "main") -> list[tuple[str, str, str]]:
        """Commit, title and description, the newest first."""
        head = self.head(ref)
        if head in self.logs:
            return list(self.logs[head])
        raw = self.git("log", "-z", "--format=%H%n%B", head).decode()
        commits = []
        for entry in raw.split("\0"):
            if entry.strip():
                sha, _, message = entry.partition("\n")
                title, _, rest = message.strip().partition("\n")
                commits.append((sha, title, rest.strip()))
        self.logs[head] = commits
        return list(commits)

    def commit(
        self,
        files: Mapping[str, bytes | None],
        *,
        ref: str = "main",
        parent: str | None = None,
        message: str = "edit",
        author: str = "",
    ) -> str:
        """Put files on a reference, or take out those that are None; returns the commit."""
        name = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        if parent is None:
            try:
                parent = self.head(ref)
            except LookupError:
                parent = ""
        lines = [b"commit %s\ncommitter T <t@example.org> 1700000000 +0000\n" % name.encode(), _data(message.encode())]
        if parent:
            lines.append(b"from %s\n" % parent.encode())
        for path, content in files.items():
            if content is None:
                lines.append(b"D %s\n" % path.encode())
            else:
                lines += [b"M 100644 inline %s\n" % path.encode(), _data(content)]
        self.git("fast-import", "--quiet", "--force", content=b"".join(lines))
        commit = self.head(name)
        if author:
            self.authors[commit] = author
        return commit


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


class Hub:
    """Repositories to serve, who may ask, faults to show, and what was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.repositories: dict[str, Repository] = {}
        self.accounts: dict[str, Account] = {}
        self.faults: list[Fault] = []
        self.requests: list[Asked] = []
        self.warnings: list[str] = []
        """What ``validate-yaml`` says of every card."""
        self.errors: list[str] = []
        self.ignored: set[str] = set()
        """Paths that the ``.gitignore`` of every repository leaves out."""
        self.filters = True
        """Whether lists of pull requests are of the author that was asked for."""
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.late = 0
        """Requests that were carried out after their delay."""

    def create(self, repo_id: str, files: Mapping[str, bytes]) -> Repository:
        """A repository with one commit."""
        folder = self.folder / f"{repo_id}.git"
        folder.mkdir(parents=True)
        repository = Repository(folder)
        repository.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", ".")
        repository.commit(files, message="initial commit")
        self.repositories[repo_id] = repository
        return repository

    def asked(self, pattern: str) -> list[Asked]:
        """The requests that a pattern is found in."""
        return [asked for asked in self.requests if re.search(pattern, f"{asked.method} {asked.path}")]


@contextmanager
def serve_git_hub(folder: Path) -> Iterator[Hub]:
    """A Hub that is served until the block ends."""
    hub = Hub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


_DATE = "2024-01-01T00:00:00.000Z"
_API = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(?:/(?P<verb>[a-z-]+)(?:/(?P<rest>.+))?)?")
_FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<ref>[^/]+)/(?P<path>.+)")


class _RefusedError(Exception):
    """An answer with an error, as the Hub words it."""

    def __init__(
        self, status: int, code: str = "", message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message or code)
        self.status, self.headers = status, dict(headers or {})
        if code:
            self.headers["X-Error-Code"] = code
        self.message = message or code


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    timeout = 20  # of a connection that nobody closes
    disable_nagle_algorithm = True  # headers and content are two writes, and the second would wait for 40 ms

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        self.query = parse_qs(place.query)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization")
        shown = unquote(self.path)
        with self.hub.lock:
            self.hub.requests.append(Asked(self.command, shown, token is not None))
            fault = next(
                (f for f in self.hub.faults if f.count and re.search(f.pattern, f"{self.command} {shown}")), None
            )
            if fault is not None:
                fault.count -= 1
        if fault is not None and fault.delay and self.hub.closing.wait(fault.delay):
            return
        try:
            if fault is not None and fault.status is not None and not fault.after:
                self._send(fault.status, fault.body, "text/plain", fault.headers, drip=fault.drip)
                return
            if fault is not None and fault.cut == "before":
                self.close_connection = True
                return
            with self.hub.lock:  # two commits at once would not see each other
                try:
                    answer = self._answer(place.path, body, token)
                finally:
                    self.hub.late += fault is not None and fault.delay > 0
            if fault is not None and fault.cut == "after":
                self.close_connection = True
                return
            if fault is not None and fault.after:
                raise _RefusedError(fault.status or 500, headers=fault.headers)
            self._send(*answer, cut=fault is not None and fault.cut == "within")
        except _RefusedError as error:
            content = json.dumps({"error": error.message}).encode() if error.message else b""
            headers = {"X-Error-Message": error.message} if error.message and error.message.isascii() else {}
            self._send(error.status, content, "application/json", {**headers, **error.headers})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _answer(self, path: str, body: bytes, token: str | None) -> tuple[int, bytes, str, dict[str, str]]:
        account = None
        if token is not None:
            account = self.hub.accounts.get(token.removeprefix("Bearer "))
            if account is None or account.expired:
                raise _RefusedError(401, message="Invalid credentials in Authorization header")
        if path == "/api/whoami-v2":
            if account is None:
                raise _RefusedError(401, message="Unauthorized")
            return _json(account.whoami())
        if path == "/api/validate-yaml":
            return self._validate(json.loads(body))
        if match := _FILE.fullmatch(path):
            repository = self._repository(match["repo"], account, content=True)
            return self._file(repository, unquote(match["ref"]), unquote(match["path"]))
        if match := _API.fullmatch(path):
            return self._api(match, body, account)
        raise _RefusedError(404, message="Sorry, we can't find the page you are looking for.")

    def _repository(self, name: str, account: Account | None, *, content: bool) -> Repository:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and account is None):
            raise _RefusedError(404 if account else 401, "RepoNotFound", "Repository not found")
        if repository.gated and content:
            raise _RefusedError(403 if account else 401, "GatedRepo", "Access to this model is restricted.")
        return repository

    def _commit_of(self, repository: Repository, ref: str) -> str:
        try:
            return repository.head(ref)
        except LookupError:
            raise _RefusedError(404, "RevisionNotFound", f"Invalid rev id: {ref}") from None

    def _api(
        self, match: re.Match[str], body: bytes, account: Account | None
    ) -> tuple[int, bytes, str, dict[str, str]]:
        verb, rest = match["verb"], match["rest"]
        repository = self._repository(match["repo"], account, content=verb == "tree")
        if self.command == "POST":
            if account is None:
                raise _RefusedError(401, message="Invalid username or password.")
            wanted = {"repo.write"} if not self.query.get("create_pr") else {"repo.write", "discussion.write"}
            fine = account.role == "fineGrained" and not wanted & set(account.permissions)
            if account.role == "read" or fine:
                raise _RefusedError(403, message="you must use a write token to upload to a repository.")
        if verb in (None, "revision"):
            commit = self._commit_of(repository, unquote(rest or "main"))
            return _json({"_id": "0" * 24, "id": match["repo"], "sha": commit})
        if verb == "tree":
            name, _, folder = rest.partition("/")
            commit = self._commit_of(repository, unquote(name))
            under = f"{unquote(folder)}/" if folder else ""
            entries = [(p, found) for p, found in repository.tree(commit).items() if p.startswith(under)]
            if under and not entries:
                raise _RefusedError(404, "EntryNotFound", f'"{unquote(folder)}" does not exist on "{commit}"')
            deep = self.query.get("recursive", ["false"])[0].lower() == "true"
            listed = [
                {"type": "file", "path": path, "oid": blob, "size": size}
                for path, (blob, size) in entries
                if deep or "/" not in path.removeprefix(under)
            ]
            inner = [path.removeprefix(under).split("/")[:-1] for path, _ in entries]
            folders = sorted(
                {under + "/".join(f[: n + 1]) for f in inner for n in range(len(f) if deep else len(f[:1]))}
            )
            return _json(
                [*({"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in folders), *listed]
            )
        if verb == "commits":

            def authors(commit: str) -> list[dict[str, str]]:
                return [{"user": repository.authors[commit]}] if commit in repository.authors else []

            listed = [
                {"id": sha, "title": title, "message": text, "authors": authors(sha), "date": _DATE}
                for sha, title, text in repository.log(self._commit_of(repository, unquote(rest)))
            ]
            return _json(listed)
        if verb == "discussions":
            return self._discussions(match["repo"], repository, rest)
        if verb == "preupload" and self.command == "POST":
            return self._preupload(repository, unquote(rest), json.loads(body))
        if verb == "commit" and self.command == "POST" and account is not None:
            return self._commit(match["repo"], repository, unquote(rest), body, account)
        raise _RefusedError(404, message="Not Found")

    def _discussions(
        self, repo: str, repository: Repository, rest: str | None
    ) -> tuple[int, bytes, str, dict[str, str]]:
        def facts(pull: Pull) -> dict[str, Any]:
            return {
                "num": pull.number,
                "title": pull.title,
                "status": pull.status,
                "author": {"name": pull.author},
                "createdAt": _DATE,
                "isPullRequest": True,
                "repo": {"name": repo, "type": "model"},
            }

        if rest is not None:
            pull = repository.pulls[int(rest) - 1]
            first = {"raw": pull.description, "html": "", "updatedAt": _DATE, "author": {"name": pull.author}}
            event = {
                "id": "0" * 24,
                "type": "comment",
                "createdAt": _DATE,
                "author": {"name": pull.author},
                "data": {"edited": False, "hidden": False, "latest": first},
            }
            changes = {"base": f"refs/heads/{pull.base}", "mergeCommitId": None}
            return _json({**facts(pull), "changes": changes, "filesWithConflicts": [], "events": [event], "diff": ""})
        author = self.query.get("author", [None])[0] if self.hub.filters else None
        listed = [facts(pull) for pull in repository.pulls if author in (None, pull.author)]
        page, size = int(self.query.get("p", ["0"])[0]), 2
        shown = listed[page * size : (page + 1) * size]
        return _json({"discussions": shown, "count": len(listed), "start": page * size})

    def _preupload(self, repository: Repository, ref: str, form: Any) -> tuple[int, bytes, str, dict[str, str]]:
        tree = repository.tree(self._commit_of(repository, ref))
        files = [
            {
                "path": file["path"],
                "uploadMode": "regular",
                "shouldIgnore": file["path"] in self.hub.ignored,
                "oid": tree.get(file["path"], (None, 0))[0],
            }
            for file in form["files"]
        ]
        return _json({"files": files})

    def _commit(
        self, repo: str, repository: Repository, ref: str, body: bytes, account: Account
    ) -> tuple[int, bytes, str, dict[str, str]]:
        lines = [json.loads(line) for line in body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        files: dict[str, bytes | None] = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                files[value["path"]] = None
            elif line["key"] == "lfsFile":
                text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{value['oid']}\nsize {value['size']}\n"
                files[value["path"]] = text.encode()
        head = self._commit_of(repository, ref)
        parent = header.get("parentCommit")
        message = f"{header['summary']}\n\n{header['description']}"
        if self.query.get("create_pr"):
            pull = Pull(len(repository.pulls) + 1, header["summary"], header["description"], account.name, ref)
            ref = f"refs/pr/{pull.number}"
            commit = repository.commit(files, ref=ref, parent=parent or head, message=message, author=account.name)
            repository.pulls.append(pull)
            url = f"{self.hub.url}/{repo}/discussions/{pull.number}"
        else:
            if parent is not None and parent != head:
                raise _RefusedError(412, message="A commit has happened since. Please refresh and try again.")
            commit = repository.commit(files, ref=ref, parent=head, message=message, author=account.name)
            url = None
        answer = {"success": True, "commitOid": commit, "commitUrl": f"{self.hub.url}/{repo}/commit/{commit}"}
        return _json({**answer, "pullRequestUrl": url} if url else answer)

    def _validate(self, form: Any) -> tuple[int, bytes, str, dict[str, str]]:
        assert form["repoType"] == "model"
        assert isinstance(form["content"], str)
        told = {key: [{"message": text} for text in getattr(self.hub, key)] for key in ("errors", "warnings")}
        return _json(told, 400 if self.hub.errors else 200)

    def _file(self, repository: Repository, ref: str, path: str) -> tuple[int, bytes, str, dict[str, str]]:
        commit = self._commit_of(repository, ref)
        try:
            content = repository.read(path, commit)
        except LookupError:
            raise _RefusedError(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit}) from None
        name = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return 200, content, "application/octet-stream", {"X-Repo-Commit": commit, "ETag": f'"{name}"'}

    def _send(
        self,
        status: int,
        content: bytes,
        kind: str,
        headers: Mapping[str, str],
        *,
        cut: bool = False,
        drip: float = 0.0,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut:
            content, self.close_connection = content[: len(content) // 2], True
        if drip:
            for byte in content:
                if self.hub.closing.wait(drip):
                    return
                self.wfile.write(bytes([byte]))
            return
        self.wfile.write(content)


def _json(value: Any, status: int = 200) -> tuple[int, bytes, str, dict[str, str]]:
    return status, json.dumps(value).encode(), "application/json", {}
