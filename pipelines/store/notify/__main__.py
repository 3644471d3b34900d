"""``python -m pipelines.store.notify``."""

import sys

from pipelines.store.notify.service import main

sys.exit(main())
