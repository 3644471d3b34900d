"""Coverage-guided fuzzing with atheris: `python -m tests.fuzz TARGET --seconds 60 --corpus DIR`.

The corpus is kept in DIR/TARGET and grows. A run goes on after an input that breaks the target: the first input of
each way to break it is written to DIR/TARGET-broken-..., and the exit code is 1. `--list` names the targets, `--input
FILE` runs one input alone.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"))
    parser.add_argument("--input", type=Path, help="run this input alone")
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        _fuzz(given.target, given.seconds, given.corpus)
        return 0
    from tests.fuzz.targets import TARGETS

    if given.list or given.target not in TARGETS:
        print("\n".join(sorted(TARGETS)))
        return 0 if given.list else 2
    if given.input:
        TARGETS[given.target][0](given.input.read_bytes())
        return 0
    before = set(given.corpus.glob(f"{given.target}-*"))
    # libFuzzer ends its process itself, so it gets one of its own
    ended = subprocess.run([sys.executable, "-m", "tests.fuzz", *sys.argv[1:], "--inside"], check=False)
    found = sorted(set(given.corpus.glob(f"{given.target}-*")) - before)
    print(f"{given.target}: {len(found)} ways to break it", *found, sep="\n  ")
    return 1 if found or ended.returncode else 0


def _fuzz(name: str, seconds: int, corpus: Path) -> None:
    """Fuzz in this process, which libFuzzer ends. Inputs that hang for 20 s end it at once."""
    import atheris

    with atheris.instrument_imports(include=["udfs", "schemas", "pipelines.feeds", "yaml"]):
        from tests.fuzz.targets import TARGETS

    target, seeds = TARGETS[name]
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    target(seeds()[0])  # what is opened once is opened before the clock runs
    options = [f"-max_total_time={seconds}", "-timeout=20", "-max_len=8192", f"-artifact_prefix={corpus}/{name}-"]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", str(folder)], _going_on(target, f"{corpus}/{name}"))
    atheris.Fuzz()


def _going_on(target: Callable[[bytes], None], prefix: str) -> Callable[[bytes], None]:
    """The target, with the first input of each way to break it written to a file."""
    seen: set[str] = set()

    def run(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            told = "".join(char for char in str(error)[:40] if not char.isdigit())
            way = f"{type(error).__name__} {told} {[(frame.name, frame.lineno) for frame in frames]}"
            if way not in seen:
                seen.add(way)
                path = Path(f"{prefix}-broken-{hashlib.sha256(way.encode()).hexdigest()[:12]}")
                if not path.exists():
                    path.write_bytes(data)
                print(f"\nBROKEN {path.name}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr, flush=True)

    return run


if __name__ == "__main__":
    sys.exit(main())
