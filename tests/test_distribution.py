"""The wheel that Flink and Beam workers get holds everything that the checkout holds."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "udfs", "governance", "pipelines", "dashboards", "training/finetune")
BUILT_IN_A_CHECKOUT = "dashboards/render/"
"""The sources of the page of `look`: workers need none, and Node builds them in a checkout only."""


def test_the_wheel_has_every_tracked_file_of_the_shipped_rooms(tmp_path):
    build = (
        sys.executable,
        "-c",
        "from setuptools.build_meta import build_wheel; import sys; build_wheel(sys.argv[1])",
    )
    copy = tmp_path / "source"
    tracked = subprocess.run(("git", "ls-files"), cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in filter(None, tracked):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    subprocess.run((*build, str(tmp_path)), cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    shipped = tuple(f"{room}/" for room in ROOMS)
    wanted = [name for name in tracked if name.startswith(shipped) and not name.startswith(BUILT_IN_A_CHECKOUT)]
    assert not [name for name in wanted if name not in held]
