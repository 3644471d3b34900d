"""The embedded store's data are encrypted at rest: AES-256 in counter mode, by ClickHouse's own encrypted disk.

Tables, the log of people's queries and what large queries write aside lie on the disk ``sealed``; names of tables and
columns do not. The keys come to the server's process through a pipe and stand in no file of the store, so a copy of
the data folder is worth nothing without them. The process puts them into its own environment, where ClickHouse looks
for them; process lists show the environment of the start, in which they are not.

Data that a store wrote before it had keys stay as they are, readable, until they expire; new parts are encrypted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from schemas.errors import UsageError

_VARIABLE = "YUQING_DISK_KEY_"


def environment(keys: Sequence[bytes]) -> dict[str, str]:
    """Variables for the server's process. ``keys``: 32 bytes each, newest first, numbered from the oldest, so that a
    key keeps its number when another is put in front."""
    return {f"{_VARIABLE}{len(keys) - 1 - at}": key.hex() for at, key in enumerate(keys)}


def configuration(directory: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """The parts of config.xml that make the encrypted disk the place of all data: of the server, and of its merge_tree
    section. Without keys data lie in clear. Raises UsageError without keys for a store that was made with some."""
    numbers = sorted(int(name.removeprefix(_VARIABLE)) for name in environ if name.startswith(_VARIABLE))
    if not numbers and (directory / "sealed").exists():
        raise UsageError(f"the store in {directory} is encrypted, and no key was given: `yuqing up` gives it")
    if not numbers:
        clear = f"""<storage_configuration>
    <disks><aside><type>local</type><path>{escape(str(directory))}/aside/</path></aside></disks>
    <policies><aside><volumes><main><disk>aside</disk></main></volumes></aside></policies>
  </storage_configuration>
  <tmp_path>{escape(str(directory))}/data/tmp/</tmp_path>"""
        return clear, ""
    keys = "".join(f'<key_hex id="{number}" from_env="{_VARIABLE}{number}"/>' for number in numbers)
    server = f"""<storage_configuration>
    <disks>
      <files><type>local</type><path>{escape(str(directory))}/sealed/</path></files>
      <sealed><type>encrypted</type><disk>files</disk><path>data/</path><algorithm>AES_256_CTR</algorithm>{keys}
        <current_key_id>{numbers[-1]}</current_key_id></sealed>
    </disks>
    <policies>
      <!-- the second volume is only for what was written before there were keys -->
      <sealed><volumes><main><disk>sealed</disk></main><before><disk>default</disk></before></volumes></sealed>
      <aside><volumes><main><disk>sealed</disk></main></volumes></aside>
    </policies>
  </storage_configuration>
  <tmp_policy>aside</tmp_policy>"""
    return server, "<storage_policy>sealed</storage_policy>"
