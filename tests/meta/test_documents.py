"""The documents tell the truth: links live, generated pages are fresh, nothing leaked into them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)|<img[^>]*\ssrc=\"([^\"]+)\"")
MACHINE_PATH = re.compile(r"(?<![A-Za-z0-9._-])/(?:work|farm|root|home)/[A-Za-z.]")
REGISTRY = re.compile(
    r"https?://[a-z0-9.-]*(?:pypi|pythonhosted|npmjs|debian)[a-z0-9.-]*", re.IGNORECASE
)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(  # noqa: S603
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z", *patterns],  # noqa: S607
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            yield path, data.decode()


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = ["".join(pair) for pair in LINK.findall(page.read_text())]
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    dead = [target for target in local if not (page.parent / target).exists()]
    assert dead == []


def test_no_file_names_a_path_of_one_machine_or_a_package_registry() -> None:
    here = Path(__file__)
    leaks = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path, text in texts()
        if path != here and (found := MACHINE_PATH.findall(text) or REGISTRY.findall(text))
    ]
    assert leaks == []


def test_the_lock_names_no_index_and_hashes_every_package() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([A-Za-z0-9_.\-\[\],]+)==", lock, re.MULTILINE)
    assert len(pinned) > 50
    assert not re.search(r"--(extra-)?index-url|--find-links", lock)
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    bare = [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash" not in entry]
    assert bare == []
