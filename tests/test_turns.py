"""Everybody gets a turn, in order, and nobody who gives up or fails holds up the others."""

import threading
import time

import pytest

from helpers.turns import Turns


def test_no_more_than_allowed_work_at_once_and_in_the_order_in_which_they_came() -> None:
    turns = Turns(2)
    running: list[int] = []
    most: list[int] = []
    order: list[int] = []

    def work(number: int) -> None:
        with turns.turn(lambda before: None):
            order.append(number)
            running.append(number)
            most.append(len(running))
            time.sleep(0.05)
            running.remove(number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))
    assert max(most) == 2


def test_who_waits_is_told_how_many_are_before() -> None:
    turns = Turns(1)
    told: list[int] = []
    held, freed = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.turn(lambda before: None):
            held.set()
            freed.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)

    def tell(before: int) -> None:
        told.append(before)
        freed.set()

    with turns.turn(tell):
        pass
    holder.join(10)
    assert told[0] == 1


def test_who_gives_up_leaves_the_queue_and_who_fails_leaves_the_turn() -> None:
    turns = Turns(1)

    def give_up(before: int) -> None:
        raise KeyboardInterrupt

    with turns.turn(lambda before: None), pytest.raises(KeyboardInterrupt), turns.turn(give_up):
        pass
    with pytest.raises(ValueError, match="broken"), turns.turn(lambda before: None):
        raise ValueError("broken")
    with turns.turn(give_up):  # would raise if it had to wait
        pass
