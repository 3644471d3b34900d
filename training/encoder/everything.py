"""`make models`: every stage from the public sets to the shipped bundles, each skipped where its result is there
already.

    python -m training.encoder.everything --data DATA --e5 E5 --bge BGE --work WORK --output BUNDLES [--smoke]

The step counts are those of the shipped bundles. On one H200 the teachers took six minutes and the students five and a
half; without a GPU days. ``--smoke`` goes the whole way with a handful of steps, to prove that it is one.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
from pathlib import Path

log = logging.getLogger(__name__)
VERSIONS = {"wide": "1.2.0", "encoder": "2.0.0", "accurate": "1.0.0"}
STUDENTS = {
    "accurate": ({"kind": "teacher"}, 2737, "1.5e-4", 32_768, 96),
    "encoder": ({"kind": "convolution", "hidden": 384, "filters": 192}, 4272, "1e-3", 65_536, 64),
}
"""Name -> shape, steps, learning rate, padded tokens of a batch, pieces read of a text."""
TEACHERS = {"e5": (1698, 1000), "bge": (3293, 1375)}
"""Base -> steps of masked-language modelling, steps on labels of each of two seeds."""
ABOUT = json.loads((Path(__file__).parent / "about.json").read_text(encoding="utf-8"))


def stage(done: Path, module: str, *options: object) -> None:
    """Run ``module`` unless ``done``, the last file that it writes, is there."""
    if done.exists():
        log.info("%s is there: %s is skipped", done, module)
        return
    subprocess.run([sys.executable, "-m", f"training.encoder.{module}", *map(str, options)], check=True)  # noqa: S603


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "e5", "bge", "work", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    work, smoke = given.work, given.smoke
    corpus, bases, run = work / "corpus", work / "bases", work / "run"
    few = ("--calls", 200) if smoke else ()
    stage(corpus / "labels.npz", "collect", "--data", given.data, "--output", corpus, *few)
    stage(bases / "bge.xz", "bases", "--corpus", corpus, "--e5", given.e5, "--bge", given.bge, "--output", bases)
    small = ("--budget", 512, "--rows", 200) if smoke else ()
    for name, (masked, labels) in TEACHERS.items():
        steps = (2, 2) if smoke else (masked, labels)
        stage(
            run / f"{name}-logits.npy",
            "teach",
            "--corpus",
            corpus,
            "--base",
            bases / name,
            "--name",
            name,
            "--output",
            run,
            "--pretrain-steps",
            steps[0],
            "--learn-steps",
            steps[1],
            *small,
        )
    wide = given.output / "wide"
    stage(wide / "wide.npz", "train_wide", "--data", given.data, "--output", wide, *few)
    finish(given.data, wide, "wide", "wide", smoke)
    for name, (shape, steps, rate, budget, longest) in STUDENTS.items():
        batch = small or ("--budget", budget)
        stage(
            run / f"{name}.json",
            "distil",
            "--corpus",
            corpus,
            "--base",
            bases / "e5",
            "--run",
            run,
            "--name",
            name,
            "--shape",
            json.dumps(shape),
            "--steps",
            2 if smoke else steps,
            "--rate",
            rate,
            "--longest",
            longest,
            *batch,
        )
        folder = given.output / name
        stage(
            folder / "wide.npz",
            "export",
            "--run",
            run,
            "--name",
            name,
            "--base",
            bases / "e5",
            "--corpus",
            corpus,
            "--wide",
            wide,
            "--output",
            folder,
            "--longest",
            longest,
        )
        finish(given.data, folder, "encoder", name, smoke)
    if smoke:
        log.info("smoke run: the bundles in %s are whole and know nothing", given.output)


def finish(data: Path, folder: Path, kind: str, name: str, smoke: bool) -> None:
    few = ("--calls", 200) if smoke else ()
    stage(
        folder / "bundle.json",
        "finish",
        "--data",
        data,
        "--bundle",
        folder,
        "--kind",
        kind,
        "--name",
        name,
        "--version",
        VERSIONS[name],
        "--about",
        ABOUT[name],
        *few,
    )


if __name__ == "__main__":
    main()
