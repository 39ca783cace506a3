"""The conversation of one encounter: each hears the others, nobody hears themselves. Pure.

Law: a packet goes out as it came in, at once, to everybody but its own speaker. Theory of
operation: everybody has one voice in and some slots out, a slot being one stream of sound that
their client plays. A voice keeps its slot for as long as it is heard. Where there are more voices
than slots, one who speaks takes the slot of one who does not, quiet for the longest first; a slot
that changes hands goes on with one unbroken clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from hub.media.backend import SourceId, TalkerView, TalkView
from hub.media.fanout import AUDIO_HZ, MOST_AUDIO_FRAMES, Retimer, ViewerQueue
from hub.media.speaking import Speaking
from hub.media.tap import Frame

MOST_TALKERS: Final = 16
"""In one conversation; everybody may listen to so many."""


def _queue() -> ViewerQueue:
    return ViewerQueue(limit=MOST_AUDIO_FRAMES, from_key=False)


def _retimer() -> Retimer:
    return Retimer(clock_hz=AUDIO_HZ)


@dataclass(slots=True, kw_only=True)
class Slot:
    """One stream of sound to one listener; `voice`: whose it carries."""

    queue: ViewerQueue = field(default_factory=_queue)
    retimer: Retimer = field(default_factory=_retimer)
    voice: str | None = None


@dataclass(slots=True, kw_only=True)
class Talker:
    """One person's session."""

    subject: str
    speaking: Speaking = field(default_factory=Speaking)
    slots: list[Slot] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Talk:
    """Belongs to the loop that it was made on."""

    source: SourceId  # of a unit, the encounter
    now_s: Callable[[], float]
    packets_in: int = 0
    packets_out: int = 0
    packets_dropped: int = 0  # of those that have left
    packets_unheard: int = 0  # no slot was free
    talkers: dict[str, Talker] = field(default_factory=dict)

    def join(self, session: str, subject: str, slots: int) -> list[ViewerQueue]:
        """Let `subject` talk and hear; return the queues that fill with the others' packets."""
        talker = Talker(subject=subject, slots=[Slot() for _ in range(slots)])
        self.talkers[session] = talker
        return [slot.queue for slot in talker.slots]

    def others_of(self, session: str, subject: str) -> list[str]:
        """Return further sessions of the same person."""
        return [
            other
            for other, talker in self.talkers.items()
            if other != session and talker.subject == subject
        ]

    def leave(self, session: str) -> None:
        """Forget `session`, and free the slots that carried its voice."""
        gone = self.talkers.pop(session, None)
        if gone is not None:
            self.packets_dropped += sum(slot.queue.dropped_frames for slot in gone.slots)
        for talker in self.talkers.values():
            for slot in talker.slots:
                if slot.voice == session:
                    slot.voice = None

    def take(self, session: str, frame: Frame, level_dbov: int | None) -> None:
        """Give one packet of `session` to everybody else; `level_dbov`: 0 loudest … 127."""
        speaker, now_s = self.talkers.get(session), self.now_s()
        if speaker is None:
            return
        self.packets_in += 1
        speaker.speaking.hear(level_dbov, now_s)
        leveled = replace(frame, level_dbov=level_dbov)
        for talker in self.talkers.values():
            if talker.subject == speaker.subject:
                continue
            slot = self._slot_for(session, speaker, talker, now_s)
            if slot is None:
                self.packets_unheard += 1
                continue
            timed = replace(leveled, timestamp=slot.retimer.map(frame.timestamp, now_s))
            slot.queue.put(timed)
            self.packets_out += 1

    def view(self) -> TalkView:
        """Return who is there, in the order in which they came."""
        now_s = self.now_s()
        return TalkView(
            unit=self.source.unit,
            encounter_id=self.source.camera,
            talkers=[
                TalkerView(
                    session=session,
                    subject=talker.subject,
                    is_on=talker.speaking.is_on(now_s),
                    is_speaking=talker.speaking.is_speaking(now_s),
                )
                for session, talker in self.talkers.items()
            ],
        )

    def _slot_for(
        self, session: str, speaker: Talker, listener: Talker, now_s: float
    ) -> Slot | None:
        slots = listener.slots
        held = next((slot for slot in slots if slot.voice == session), None)
        if held is not None:
            return held
        found = next((slot for slot in slots if slot.voice is None), None)
        if found is None:
            found = self._given_up(speaker, slots, now_s)
        if found is not None:
            found.voice = session
            found.retimer.restart()
        return found

    def _given_up(self, speaker: Talker, slots: list[Slot], now_s: float) -> Slot | None:
        """Return the slot that a new voice may take from another; None: it must wait."""
        if not slots:
            return None
        rests = [(self._rest(slot), number) for number, slot in enumerate(slots)]
        (is_on, quiet_s), number = min(rests)
        is_speaking = self.talkers[slots[number].voice or ""].speaking.is_speaking(now_s)
        may_take = not is_on or (speaker.speaking.is_speaking(now_s) and not is_speaking)
        return slots[number] if may_take and quiet_s < now_s else None

    def _rest(self, slot: Slot) -> tuple[bool, float]:
        """Return how much a slot's voice is needed, to compare: on or not, and last heard."""
        speaking = self.talkers[slot.voice or ""].speaking
        return speaking.is_on(self.now_s()), speaking.quiet_since_s()
