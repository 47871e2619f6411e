"""A worker that dies costs the task that it died of, and no other."""

import os
import time

from helpers.batch.engine import processes


def work(number: int) -> int:
    if number == 3:
        os.abort()
    time.sleep(0.02)
    return number * number


def test_a_process_that_dies_costs_only_its_task() -> None:
    with processes(2) as workers:
        outcomes = list(workers.outcomes(work, range(12)))
    assert len(outcomes) == 12
    assert dict(outcomes) == {number: None if number == 3 else number * number for number in range(12)}


def test_one_process_is_another_one() -> None:
    with processes(1) as workers:
        assert dict(workers.outcomes(work, [3, 4])) == {3: None, 4: 16}
