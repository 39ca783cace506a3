"""When somebody is said to speak, and when their microphone to be on."""

from hub.media.speaking import LOUD_DBOV, ON_S, Speaking


def heard(levels: list[int | None], *, every_s: float = 0.02) -> tuple[Speaking, float]:
    speaking, now_s = Speaking(), 100.0
    for level in levels:
        speaking.hear(level, now_s)
        now_s += every_s
    return speaking, now_s - every_s


def test_three_loud_packets_are_speech_and_one_click_is_not() -> None:
    click, now_s = heard([127, 10, 127, 127])
    assert not click.is_speaking(now_s)
    speech, now_s = heard([127, 30, 30, 30])
    assert speech.is_speaking(now_s)


def test_the_threshold_itself_is_loud() -> None:
    speech, now_s = heard([LOUD_DBOV] * 3)
    assert speech.is_speaking(now_s)
    quiet, now_s = heard([LOUD_DBOV + 1] * 9)
    assert not quiet.is_speaking(now_s)


def test_speech_holds_over_a_pause_between_words_and_ends_after_it() -> None:
    speech, now_s = heard([30] * 10)
    assert speech.is_speaking(now_s + 0.5)
    assert not speech.is_speaking(now_s + 0.8)


def test_a_microphone_is_on_while_it_sends_even_silence() -> None:
    silent, now_s = heard([None, 127], every_s=0.4)
    assert silent.is_on(now_s + ON_S / 2)
    assert not silent.is_on(now_s + ON_S)
    assert not Speaking().is_on(0.0)
