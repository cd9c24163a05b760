"""What promises, or unpacks to, gigabytes is refused in seconds and without memory."""

import pytest

from tests.fuzz.bombs import BOMBS, LARGEST
from tests.fuzz.seeds import write_neighbours
from tests.fuzz.targets import TARGETS
from tests.fuzz.watchdog import Watchdog


@pytest.fixture(scope="module")
def watchdog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("neighbours")
    write_neighbours(folder)
    with Watchdog(folder) as found:
        yield found


def read(watchdog, tmp_path, target, make):
    path = tmp_path / f"bomb{TARGETS[target].suffix}"
    path.write_bytes(make())
    verdict = watchdog.read(target, path)
    path.unlink()
    return verdict


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_5_s_and_1_gb(watchdog, tmp_path, name):
    verdict = read(watchdog, tmp_path, *BOMBS[name])
    assert verdict.outcome == "refused", verdict
    assert verdict.added_mb < 600


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_files_that_are_accepted_cost_less_than_1_gb(tmp_path, name):
    # How long they take is the machine's affair.
    write_neighbours(tmp_path)
    with Watchdog(tmp_path, max_seconds=60) as watchdog:
        verdict = read(watchdog, tmp_path, *LARGEST[name])
    assert verdict.outcome == "read", verdict
    assert verdict.added_mb < 1000
