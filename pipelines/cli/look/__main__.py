"""``python -m pipelines.cli.look --home HOME --port PORT [--settings FILE]``."""

import sys

from pipelines.cli.look.server import main

sys.exit(main())
