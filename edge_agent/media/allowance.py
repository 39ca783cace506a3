"""What all of the vehicle's video may use. Pure.

Law: the readings come first. Video gets what the link leaves, and gives it back within a second.

Theory of operation. `Allowance` is a rate for all video, one of a fixed row of rates a factor √2
apart. It falls as soon as less arrives than was sent, or the readings wait: to what did arrive,
with a margin. A burst of loss with nothing queued takes one rate only. It rises by trial: one rate
up, after a wait that doubles each time the trial fails; once two trials succeed where one had
failed, the link has changed, and it rises by two a second. Below the least rate that moves nothing
is on the way that could be measured; then the stills and readings themselves measure the link.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

LEAST_BPS: Final = 45_000
RATES_BPS: Final = tuple(round(LEAST_BPS * math.sqrt(2) ** power) for power in range(13))
"""45 kbit/s … 2.88 Mbit/s: what all video together may use while it moves."""

_FIRST: Final = 3
"""Where a session begins: 127 kbit/s, which a link that is no worse than it was will carry."""

LOOK_S: Final = 0.1
"""How often the shell looks."""

_MARGIN: Final = 0.85  # of what arrived is used next. Source: draft-ietf-rmcat-gcc-02, 5.5, beta
_LOSING: Final = 0.88  # less than this share arriving is congestion; ibid., 6: loss over 10 %
_CLEARLY_LOSING: Final = 0.65  # more than the tail of what a fall has mended already
_HOPELESS: Final = 0.5  # of a rate that is small already: nothing that moves will pass
_USED: Final = 0.7  # an encoder that used less just now will use more
_LATE_S: Final = 0.3  # readings wait so much longer than usual: enough, with losses beside it
_LATE_ALONE_S: Final = 0.7  # enough without: losses show only behind what is queued
_AGAIN_S: Final = 1.5  # after a fall, before lateness alone is a reason again
_QUEUE_S: Final = 0.5  # each of the newest acks says that frames queue for so long
_TOLD_S: Final = 1.5  # feedback on the video is believed for so long
_REPORT_S: Final = 1.0  # a report tells of about so long
_ESTIMATE_S: Final = 1.5  # an estimate still tells of what was so long ago
_SETTLE_S: Final = 0.8  # after a fall, before the next on soft signs
_SETTLED_S: Final = 2.0  # after a fall: what was lost before it is made good by a key frame
_HOLD_S: Final = 1.2  # pictures are held back at most so long, that the readings pass
_FAST_S: Final = 1.0
_PROVED_S: Final = 1.5
_FIRST_WAIT_S: Final = 2.5
_LONGEST_WAIT_S: Final = 5.0
_GOOD: Final = 8  # from this rate on the picture is large: more is worth less than a freeze
_GOOD_WAIT_S: Final = 80.0  # so a rate above it that failed is tried ever more seldom
_LARGE: Final = 6  # below this rate few packets tell of the link, and readings are much of it
_STOOD_S: Final = 20.0  # a rate that failed sooner after it was tried was too much from the first
_OVERTAKEN_S: Final = 0.1  # paths differ by less than this
_SLOW_S: Final = 0.2  # more than the time between two pictures
_SLOW_FOR_S: Final = 1.2  # and the next word says so, too
_NOTICED_S: Final = 0.06  # readings wait so much longer than at best: something queues
_SILENT_S: Final = 2.5
_STILLS_S: Final = 10.0  # the link's own measure spans so long; before, it tells of the past
_BLIND_TRIAL_S: Final = 20.0
_BLIND_TRIAL_MOST_S: Final = 160.0
_WORTH: Final = 1.5  # the link must have been seen to carry so many times what is tried

STILLS: Final = -1
NOTHING: Final = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured, at one look. Rates in bit/s.

    `arriving`: the share of the video that arrives, by what was lost, worst of what was told since
    the last look, of what was sent in the last `arriving_span_s`; `estimated`: the same by the
    receiver's estimate, which falls for a burst on an idle link, too. None: nothing was told.
    `link_bps`: what the readings' own way carried at best in 10 s. `passed_ago_s`: how long ago the
    newest packet of video that is known to have arrived was sent; `slower_s`: how much longer it
    took than the quickest.
    """

    now_s: float
    is_answered: bool  # the hub acknowledges the readings
    late_s: float = 0.0  # how much longer than at best the oldest unanswered frame waits
    queue_s: float = 0.0  # how long frames queue, by the newest acks
    link_bps: float | None = None
    readings_bps: float = 0.0
    video_bps: float = 0.0  # sent, over the last second
    wanted_bps: float = math.inf  # more than this the cameras have no use for
    arriving: float | None = None
    arriving_span_s: float = 1.0
    estimated: float | None = None
    passed_ago_s: float = math.inf
    slower_s: float = 0.0
    is_heard: bool = True  # the hub reports on the video

    @property
    def is_overtaken(self) -> bool:
        """Whether video that was sent after the oldest waiting reading came before it, and quickly.

        Then the reading queues behind nothing: it was lost, and waits for its own repetition.
        """
        is_quick = self.slower_s < _SLOW_S
        return is_quick and self.passed_ago_s < self.late_s - _OVERTAKEN_S

    @property
    def is_queueing(self) -> bool:
        """Whether readings, or the newest video, notice that something queues."""
        late_s = 0.0 if self.is_overtaken else self.late_s
        is_slow = self.slower_s >= _SLOW_S and self.passed_ago_s < _TOLD_S
        return max(late_s, self.queue_s) >= _NOTICED_S or is_slow


class Allowance:
    """What all video together may use."""

    def __init__(self, *, now_s: float) -> None:
        self._index = _FIRST
        self._now_s = now_s
        self._changed_s = now_s
        self._fell_s = now_s - _REPORT_S
        self._rose_s = now_s
        self._began_s = now_s - _TOLD_S  # to move
        self._lost_s: float | None = None  # the first word of losses that go on
        self._is_lasting = False
        self._slow_s: float | None = None  # since then, or since the last fall, video is slow
        self._is_trial = False
        self._is_fast = True
        self._is_past = False  # a rate that had failed was carried after all
        self._wait_s = _FIRST_WAIT_S
        self._ceiling: int | None = None  # the least rate that failed
        self._held_since_s: float | None = None
        self._before: tuple[int, int | None, float, bool] | None = None  # a fall by lateness alone
        self._share: float | None = None  # the newest word of what arrives
        self._share_s = now_s - _TOLD_S
        self._share_since_s = now_s - _TOLD_S  # when the first of what it speaks of was sent
        self._queued_s: float | None = None  # the readings were last seen to queue
        self._blind_wait_s = _BLIND_TRIAL_S
        self._proved_bps = 0
        self._sent_bps = 0.0  # what was sent when it fell last

    @property
    def bps(self) -> int:
        """What may be used; 0 where nothing moves."""
        return RATES_BPS[self._index] if self._index >= 0 else 0

    @property
    def proved_bps(self) -> int:
        """What was carried for a second and a half without a sign of trouble; never above `bps`."""
        return min(self._proved_bps, self.bps)

    @property
    def is_stills(self) -> bool:
        """Nothing moves, and stills may travel."""
        return self._index == STILLS

    @property
    def is_held(self) -> bool:
        """No picture is to be sent at this moment: the readings must pass first."""
        return self._held_since_s is not None

    @property
    def may_resend(self) -> bool:
        """Packets that were lost may be sent again: there is room, and has been for a while."""
        return self._index >= 0 and not self.is_held and self._now_s - self._fell_s > _SETTLED_S

    def look(self, seen: Evidence) -> None:
        """Take in what was measured."""
        self._now_s = now_s = seen.now_s
        at = self._index if self._before is None else max(self._index, self._before[0])
        if at < _LARGE:
            seen = replace(seen, passed_ago_s=math.inf, slower_s=0.0)
        self._note_losses(seen)
        if seen.slower_s < _SLOW_S:
            self._slow_s = None
        elif self._slow_s is None or self._slow_s < self._fell_s:
            self._slow_s = now_s
        share = _believed(seen)
        if share is not None:
            self._share, self._share_s = share, now_s
            self._share_since_s = now_s - (
                seen.arriving_span_s if share == seen.arriving else _ESTIMATE_S
            )
        if seen.queue_s > _QUEUE_S / 2:
            self._queued_s = now_s
        if not seen.is_answered and not seen.is_heard:
            self._go(NOTHING, now_s)
        elif self._index == NOTHING:
            self._return(seen)
        elif self._index == STILLS:
            self._from_stills(seen)
        else:
            self._prove(seen)
            self._move(seen)

    def _move(self, seen: Evidence) -> None:
        now_s = seen.now_s
        if self._held_since_s is not None:
            self._wait_until_passed(seen)
        elif self._is_hard(seen):
            before = self._index, self._ceiling, self._wait_s, self._is_fast
            self._before = None if self._is_losing(now_s) else before
            self._fall(seen)
            self._held_since_s = now_s if self._index >= 0 else None
        elif not seen.is_answered and not seen.is_overtaken:
            self._go(0, now_s)
        elif self._is_soft(seen):
            self._fall(seen)
        else:
            self._rise(seen)

    # -- down -----------------------------------------------------------------------------------

    def _note_losses(self, seen: Evidence) -> None:
        """Tell a burst of loss, which is over when it is told, from losses that last."""
        if seen.arriving is None:
            return
        if seen.arriving >= _LOSING:
            self._lost_s, self._is_lasting = None, False
        elif self._lost_s is None:
            self._lost_s = seen.now_s
        elif seen.now_s - seen.arriving_span_s > self._lost_s:
            self._is_lasting = True

    def _is_losing(self, now_s: float) -> bool:
        """Whether the newest word, if it is of now, says that much does not arrive."""
        if self._share is None or now_s - self._share_s > _TOLD_S:
            return False
        if self._share_since_s < self._began_s:  # of the last time that something moved
            return False
        is_since = self._share_since_s > self._fell_s  # a report on what fell says nothing
        is_clear = self._share < _CLEARLY_LOSING and self._share_s - self._fell_s > _REPORT_S
        return self._share < _LOSING and (is_since or is_clear)

    def _is_hard(self, seen: Evidence) -> bool:
        """Whether the readings are being held up: pictures stop at once."""
        if seen.is_overtaken and not self._is_lasting:
            return False
        if seen.late_s > _LATE_ALONE_S and seen.now_s - self._fell_s > _AGAIN_S:
            return True
        is_lost = self._is_losing(seen.now_s) or not seen.is_heard
        return seen.late_s > _LATE_S and is_lost

    def _is_soft(self, seen: Evidence) -> bool:
        if seen.now_s - self._fell_s < _SETTLE_S:
            return False
        is_slow = self._slow_s is not None and seen.now_s - self._slow_s > _SLOW_FOR_S
        return self._is_losing(seen.now_s) or seen.queue_s > _QUEUE_S or is_slow

    def _fall(self, seen: Evidence) -> None:
        """Go down to what arrives, and at least one rate; for a burst of loss, one rate alone."""
        now_s = seen.now_s
        is_losing = self._is_losing(now_s)
        is_full = seen.is_queueing or self._is_lasting or self._index < _LARGE
        is_burst = is_losing and not is_full
        is_too_much = now_s - self._rose_s < _STOOD_S
        self._fell_s, self._is_fast = now_s, False
        if not is_burst or is_too_much:
            most_s = _GOOD_WAIT_S if self._index > _GOOD else _LONGEST_WAIT_S
            self._wait_s = min(most_s, self._wait_s * 2) if is_too_much else _FIRST_WAIT_S
            self._ceiling, self._is_past = self._index, False
        self._go(max(0, self._index - 1) if is_burst else self._fitting(seen, is_losing), now_s)

    def _fitting(self, seen: Evidence, is_losing: bool) -> int:  # noqa: FBT001 -- of this look
        """Return the rate, one lower at least, that what was told says will pass."""
        below = min(self._index, 1 + index_of(max(LEAST_BPS, _WORTH * seen.video_bps))) - 1
        self._sent_bps = min(self.bps, max(_USED * self.bps, seen.video_bps))
        least = STILLS if self._index == 0 else 0  # what arrives is known roughly at first
        if is_losing and self._share is not None:
            below = min(below, index_of(_MARGIN * self._share * self._sent_bps))
            least = STILLS if self._index <= _FIRST and self._share < _HOPELESS else least
        elif seen.late_s > _LATE_S:
            below = min(below, self._index - 4)  # to a quarter: nothing tells how much as yet
        return max(least, below)

    def _wait_until_passed(self, seen: Evidence) -> None:
        if self._before is not None and seen.is_overtaken and not self._is_lasting:  # no queue
            index, self._ceiling, self._wait_s, self._is_fast = self._before
            self._held_since_s, self._before = None, None
            self._go(index, seen.now_s)
            return
        if seen.arriving is not None and seen.arriving < _LOSING:  # of what was sent before
            fitting = index_of(_MARGIN * seen.arriving * self._sent_bps)
            is_hopeless = self._index <= _FIRST and seen.arriving < _HOPELESS
            self._go(max(STILLS if is_hopeless else 0, min(self._index, fitting)), seen.now_s)
            if self._index < 0:
                return
        held_s = seen.now_s - (self._held_since_s or 0.0)
        if held_s > _HOLD_S or (held_s > 3 * LOOK_S and seen.late_s < _LATE_S / 3):
            self._held_since_s = self._before = None
            self._fell_s = self._changed_s = seen.now_s

    # -- up -------------------------------------------------------------------------------------

    def _prove(self, seen: Evidence) -> None:
        if seen.now_s - max(self._changed_s, self._fell_s) < _PROVED_S or self.is_held:
            return
        self._proved_bps = self.bps
        if self._is_trial and self._ceiling is not None and self._index >= self._ceiling:
            if self._is_past:
                self._is_fast, self._ceiling = True, None
            else:  # a little too much shows late: the next rate tells
                self._is_past, self._ceiling, self._wait_s = True, self._index + 1, _FIRST_WAIT_S
        self._is_trial = False

    def _rise(self, seen: Evidence) -> None:
        now_s = seen.now_s
        top = min(len(RATES_BPS) - 1, 1 + index_of(seen.wanted_bps))
        is_late = seen.late_s > _LATE_S or seen.queue_s > _QUEUE_S / 2 or seen.slower_s >= _SLOW_S
        if self._index >= top or is_late or not seen.is_heard:
            return
        is_untried = self._ceiling is None or self._index + 1 >= self._ceiling
        wait_s = _FAST_S if self._is_fast else self._wait_s if is_untried else _PROVED_S
        if now_s - max(self._changed_s, self._fell_s) < wait_s:
            return
        step = 2 if self._is_fast else 1
        self._is_trial, self._rose_s = True, now_s
        self._go(min(top, self._index + step), now_s)

    def _from_stills(self, seen: Evidence) -> None:
        """Move again where the link has carried enough; try blindly where nothing could tell."""
        still_s = seen.now_s - self._changed_s
        left_bps = (seen.link_bps or 0.0) - seen.readings_bps
        if not seen.is_answered or seen.late_s > _LATE_S:
            return
        if still_s > _STILLS_S and left_bps > _WORTH * RATES_BPS[0]:
            self._is_fast, self._ceiling, self._wait_s = True, None, _FIRST_WAIT_S
            self._blind_wait_s = _BLIND_TRIAL_S
            self._begin(min(_FIRST, index_of(left_bps / _WORTH)), seen.now_s)
        elif still_s > self._blind_wait_s and not self._queued_of_late(seen.now_s):
            self._blind_wait_s = min(_BLIND_TRIAL_MOST_S, self._blind_wait_s * 2)
            self._begin(0, seen.now_s)

    def _queued_of_late(self, now_s: float) -> bool:
        return self._queued_s is not None and now_s - self._queued_s < _STILLS_S

    def _return(self, seen: Evidence) -> None:
        if seen.is_answered and seen.late_s < _LATE_S:
            self._is_fast, self._ceiling, self._wait_s = True, None, _FIRST_WAIT_S
            self._begin(_FIRST, seen.now_s)

    def _begin(self, index: int, now_s: float) -> None:
        self._is_trial, self._rose_s = True, now_s
        self._fell_s = now_s - _REPORT_S
        self._began_s = now_s
        self._share = None
        self._go(max(0, index), now_s)

    def _go(self, index: int, now_s: float) -> None:
        if index != self._index:
            self._index, self._changed_s = index, now_s
        if index < 0:
            self._held_since_s = self._before = None
            self._proved_bps = 0


def _believed(seen: Evidence) -> float | None:
    """Return the share that arrives; an estimate counts where the readings notice something."""
    if seen.estimated is None or not seen.is_queueing:
        return seen.arriving
    return seen.estimated if seen.arriving is None else min(seen.arriving, seen.estimated)


def index_of(bps: float) -> int:
    """Return the place in `RATES_BPS` of the largest rate that is not above `bps`; else STILLS."""
    found = STILLS
    for index, rate in enumerate(RATES_BPS):
        if rate <= bps:
            found = index
    return found
