"""What leaves the house of a population of real people: tables of counts with noise, under a budget a requester.

Differential privacy (Dwork, McSherry, Nissim, Smith 2006): whatever a reader knows besides, the tables let them tell
whether one household was in the population at most ``exp(epsilon)`` times better than without. ``noise`` is OpenDP's
mechanism, ``tables`` says what may be asked and how much a household can change it, ``budget`` who has asked how much.
The command line calls ``release_counts`` and ``left``; what it means stands in docs/privacy-budget.md.
"""

from governance.privacy.budget import left
from governance.privacy.release import release_counts
from governance.privacy.tables import Cell, Table, Wanted, reach_of

__all__ = ["Cell", "Table", "Wanted", "left", "reach_of", "release_counts"]
