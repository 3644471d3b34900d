"""The rows of the table, one after the other, on as few homes and jobs as they allow."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.faults import checks, clock
from loadtest.faults.posts import Wave
from loadtest.faults.report import Outcome, line
from loadtest.faults.stage import Stage
from loadtest.faults.strikes import STRIKES
from loadtest.faults.table import Fault, lacking
from loadtest.outside import Failed, wait_for

EMPTIED = ("posts", "dead_letters", "pii_vault", "alert_hits", "alert_states", "alert_deliveries")


@dataclass(frozen=True)
class Size:
    """How much each row offers."""

    posts: int = 4_000
    rate: int = 100
    strike_after: int = 500
    parallelism: int = 2
    short: bool = False
    slow: float = 1
    """How many times slower than a quiet machine this one is: what is waited for takes as much longer."""

    @property
    def patience_s(self) -> float:
        """Most seconds to wait for all rows of a wave, whatever the table expects, and for whatever else must come."""
        return 300 * self.slow


SHORT = Size(posts=600, rate=150, strike_after=100, parallelism=1, short=True)


class Campaign:
    """Runs rows; `outcomes` grows. Use as a context: leaving it ends everything that it started."""

    def __init__(self, folder: Path, size: Size, home: Path | None = None, say: Callable[[str], None] = print) -> None:
        self.folder, self.size, self.say = folder, size, say
        self.home = home or folder / "home"
        self.outcomes: list[Outcome] = []
        self._stage: Stage | None = None
        self._clocked = False
        self._number = self._skip = self._decided = 0
        self._begins = (int(time.time()) - 600) * 1000
        self._before: checks.Seen | None = None

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._stage is not None:
            self._stage.close()
            self._stage = None

    def _stage_for(self, fault: Fault) -> Stage:
        """The home of the rows before, or a new one: a home with a clock of its own is of no use to the others."""
        clocked = "cc" in fault.needs
        if self._stage is not None and clocked != self._clocked:
            self._clear()
        if self._stage is None:
            self._clocked = clocked
            folder = self.folder / ("clock" if clocked else "stage")
            folder.mkdir(parents=True, exist_ok=True)
            self._stage = Stage(
                self.home.with_name(self.home.name + ("-clock" if clocked else "")),
                folder,
                parallelism=self.size.parallelism,
                rate=self.size.rate,
                patience_s=self.size.patience_s,
                environment=clock.environment(folder) if clocked else {},
            )
            self._stage.open()
            self._before = None
        return self._stage

    def strike(self, faults: Sequence[Fault]) -> list[Outcome]:
        """Run these rows. A row that cannot be carried out, or after which something is wrong, is reported; the next
        one runs all the same."""
        for fault in faults:
            self.outcomes.append(self.row(fault))
            self.say(line(self.outcomes[-1]))
        return self.outcomes

    def row(self, fault: Fault) -> Outcome:
        outcome = Outcome(fault, lasted_s=fault.lasts(self.size.short))
        if lack := lacking(fault):
            outcome.state, outcome.wrong = "skipped", [f"this machine lacks {lack}"]
            return outcome
        began = time.monotonic()
        try:
            stage = self._stage_for(fault)
            stage.play(fault.scene)
            if self._before is None:
                self._before = self._undisturbed(stage)
            with self._wave(stage) as wave:
                self._strike(stage, wave, fault, outcome)
            broken = fault.starts_anew
        except Exception as error:  # the drivers of store and Kafka have errors of their own; the next row runs
            outcome.wrong.append(str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"[:1000])
            broken = True
        outcome.seconds = time.monotonic() - began
        if outcome.wrong:
            outcome.state = "failed"
        if self._stage is not None and broken:
            self._stage.end()
        return outcome

    @contextlib.contextmanager
    def _wave(self, stage: Stage) -> Iterator[Wave]:
        """A wave in empty tables, once nothing of the wave before can come again."""
        stage.settle()
        with stage.outside.store() as store:
            for table in EMPTIED:
                store.command(f"TRUNCATE TABLE {table}")
        self._number += 1
        self._decided = checks.decided(stage.home)
        self._skip = len(checks.messages(stage.home, 0))
        yield Wave(f"w{self._number:03d}", self.size.posts, self._begins)

    def _undisturbed(self, stage: Stage) -> checks.Seen:
        """What becomes of the posts when nothing happens. Raises Failed when that is not what is known of them."""
        with self._wave(stage) as wave:
            with stage.offered(wave):
                pass
            wait_for(
                lambda: _stored(stage, wave) >= len(wave.good),
                f"rows undisturbed ({stage.said()})",
                self.size.patience_s,
            )
            self._complete(stage, wave)
            wait_for(
                lambda: not checks.undelivered(stage.outside), "alerts delivered undisturbed", self.size.patience_s
            )
            now = checks.seen(stage.outside, wave)
            wrong = [*checks.rows(stage.outside, wave), *checks.clear(stage.outside, wave)]
            if not any(now.sealed.values()) or not now.hits:
                wrong.append("the posts mask nothing or call for nothing: they are of no use here")
            if wrong:
                raise Failed(f"without any fault: {'; '.join(wrong)}")
        return now

    def _complete(self, stage: Stage, wave: Wave) -> None:
        """Wait for what comes after the rows: dead letters. The checks say what did not come."""
        with contextlib.suppress(Failed):
            wait_for(lambda: not checks.rows(stage.outside, wave), "dead letters", 60 * self.size.slow)

    def _strike(self, stage: Stage, wave: Wave, fault: Fault, outcome: Outcome) -> None:
        with stage.offered(wave) as offer:
            wait_for(
                lambda: _stored(stage, wave) >= self.size.strike_after or not _lives(stage),
                f"rows before the fault ({stage.said()})",
                self.size.patience_s,
                every_s=0.2,
            )
            if not _lives(stage):
                raise Failed(f"the job ended before the fault: {stage.said()}")
            hit = _stored(stage, wave)
            with STRIKES[fault.strike](stage, fault, outcome.wrong):
                time.sleep(fault.lasts(self.size.short))
                at_end = _stored(stage, wave)
            ended = time.monotonic()
            outcome.stored_during = max(0, (at_end or _stored(stage, wave)) - hit)
            stored = at_end = max(at_end, hit)
            while stored < len(wave.good) and time.monotonic() - ended < self.size.patience_s:
                stored = _stored(stage, wave)
                if stored > at_end and outcome.first_row_s is None:
                    outcome.first_row_s = time.monotonic() - ended
                if outcome.caught_up_s is None and outcome.first_row_s is not None and stored >= offer.due():
                    outcome.caught_up_s = time.monotonic() - ended
                time.sleep(0.2)
        if outcome.caught_up_s is None and stored >= len(wave.good):  # all of them were there before
            outcome.caught_up_s = 0.0
        late_s = self.size.patience_s if outcome.caught_up_s is None else outcome.caught_up_s
        if late_s > (most := fault.recover_s * self.size.slow):
            outcome.wrong.append(f"caught up {late_s:.0f} s after the fault, not {most:g}")
        self._complete(stage, wave)
        try:
            wait_for(lambda: not checks.undelivered(stage.outside), "alerts delivered", 60 * self.size.slow)
        except Failed as error:
            outcome.wrong.append(str(error))
        assert self._before is not None  # noqa: S101 - the row before made it
        outcome.wrong += [
            *checks.rows(stage.outside, wave),
            *checks.same(checks.seen(stage.outside, wave), self._before, new_model=fault.new_model),
            *checks.delivered(stage.outside, checks.messages(stage.home, self._skip), repeats=fault.repeats),
            *checks.recorded(stage.home, self._decided, wave),
            *checks.ledger(stage.outside),
            *checks.clear(stage.outside, wave),
        ]


def _lives(stage: Stage) -> bool:
    """Whether the job's command lives; a cluster is not asked, which takes seconds."""
    return stage.job is None or stage.job.poll() is None


def _stored(stage: Stage, wave: Wave) -> int:
    """Posts of the wave in the store; 0 while it does not answer at once."""
    counted = f"SELECT uniqExact(post_id) FROM posts WHERE startsWith(post_id, '{wave.name}-')"  # noqa: S608 - our name
    try:
        found = stage.outside.ask(counted, timeout_s=2)
        return int(found[0][0])
    except Exception:  # whatever the driver calls a store that is gone
        return 0
