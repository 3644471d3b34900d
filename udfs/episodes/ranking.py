"""Which episode comes first: the contract's priority, then freshness, distinct callers, vulnerable people.

The rank does not depend on the clock: it counts freshness in hours since 1970, so that episodes keep their order while
they age. What a caller or a vulnerable person adds is counted in hours of freshness too: an old call of many is as
urgent as a new one of few.
"""

from __future__ import annotations

import math

from udfs.episodes.episode import Episode

HOUR_MS = 3_600_000
PRIORITY = 1_000_000.0
"""More than there are hours since 1970: no freshness makes up for a priority."""
CALLERS_HOURS = 0.5
"""For each doubling of the callers."""
VULNERABLE_HOURS = 0.5
UNREACHABLE_HOURS = -6.0
"""Nobody knows where it is or whom to phone."""
PROPOSED_HOURS = -12.0
"""A post says it is over, and nobody has called since."""
CONTESTED_HOURS = -2.0


def over(episode: Episode) -> bool:
    """Whether a post says that it is over and no call came after that."""
    return bool(episode.proposed) and episode.last_call_at <= episode.proposed_at


def rank(episode: Episode) -> float:
    """The higher the more urgent."""
    hours = episode.last_at / HOUR_MS
    hours += CALLERS_HOURS * math.log2(max(1, episode.callers))
    hours += VULNERABLE_HOURS * bool(episode.vulnerable)
    hours += UNREACHABLE_HOURS * (not episode.reachable)
    hours += PROPOSED_HOURS * over(episode)
    hours += CONTESTED_HOURS * (episode.standing == "contested")
    return (4 - episode.priority) * PRIORITY + hours


def reasons(episode: Episode) -> list[str]:
    """Why it ranks so, the weightiest first: labels and counts, never text of a post."""
    found = [f"priority {episode.priority}"]
    found += [f"need {need}" for need in episode.needs]
    found += [f"hazard {hazard}" for hazard in episode.hazards]
    found += [f"vulnerable {group}" for group in episode.vulnerable]
    if episode.callers > 1:
        found.append(f"callers {episode.callers}")
    if episode.relays:
        found.append(f"relays {episode.relays}")
    if episode.people:
        found.append(f"people {episode.people}")
    if episode.standing:
        found.append(f"standing {episode.standing}")
    if episode.denials:
        found.append(f"denials {episode.denials}")
    if episode.proposed:
        found.append(f"proposed {episode.proposed}" + ("" if over(episode) else ", calls since"))
    if not episode.reachable:
        found.append("no place and no number")
    found += [f"same number as {other}" for other in episode.related]
    return found
