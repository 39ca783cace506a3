"""Settings from the environment: what is wrong is said by the variable's own name."""

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict

from protocols.errors import ConfigError
from protocols.runtime.settings import load


class Inner(BaseModel):
    words: tuple[str, ...] = ()
    count: int = 0


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRIED_", env_nested_delimiter="__")
    inner: Inner = Inner()
    names: dict[str, str] = {}
    sign: str = ""


@pytest.mark.parametrize(
    ("variable", "value", "facts"),
    [
        ("TRIED_NONSENSE", "1", {"reason": "no such setting", "variable": "TRIED_NONSENSE"}),
        ("TRIED_INNER__COUNT", "few", {"setting": "inner.count"}),
        ("TRIED_INNER__WORDS", "unquoted", {"variable": "TRIED_INNER__WORDS"}),
        ("TRIED_NAMES", "front", {"variable": "TRIED_NAMES"}),
        ("TRIED_INNER", "{", {"variable": "TRIED_INNER"}),
        ("TRIED_NAMES", "[1]", {"setting": "names"}),
    ],
)
def test_what_is_wrong_is_named_and_its_value_is_not_told(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, facts: dict[str, str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as wrong:
        load(Settings)
    assert facts.items() <= wrong.value.facts.items()
    assert value == "1" or value not in str(wrong.value)


def test_of_two_variables_with_the_value_that_is_wrong_both_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIED_SIGN", "front")  # rightly
    monkeypatch.setenv("TRIED_NAMES", "front")
    with pytest.raises(ConfigError) as wrong:
        load(Settings)
    assert set(str(wrong.value.facts["variable"]).split(" or ")) == {"TRIED_SIGN", "TRIED_NAMES"}


def test_what_is_right_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIED_INNER__WORDS", '["a", "b"]')
    monkeypatch.setenv("TRIED_NAMES", '{"front": "rtsp://camera"}')
    settings = load(Settings)
    assert settings.inner.words == ("a", "b")
    assert settings.names == {"front": "rtsp://camera"}
