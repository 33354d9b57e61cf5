"""How far a computation is, as those hear it who wait for it."""

from __future__ import annotations

import pytest

from explorer.derived.time.headway import checkpoint, counted, part, report_to


@pytest.fixture
def shares():
    heard = []
    with report_to(heard.append):
        yield heard


def test_a_loop_says_how_many_rounds_are_done(shares):
    assert list(counted("abcd")) == list("abcd")
    assert shares == [0, 0.25, 0.5, 0.75, 1]


def test_items_that_do_not_know_their_number_are_told_it(shares):
    assert list(counted(iter("ab"), 2)) == ["a", "b"]
    assert shares == [0, 0.5, 1]


def test_without_a_number_or_a_listener_items_are_passed_on(shares):
    assert list(counted(iter("ab"))) == ["a", "b"]
    assert list(counted([])) == []
    assert shares == []
    with report_to(shares.append):
        pass
    assert list(counted(iter("ab"))) == ["a", "b"]


def test_a_round_of_a_loop_is_shared_by_the_loop_within(shares):
    for _ in counted(range(2)):
        list(counted(range(2)))
    assert shares == [0, 0, 0.25, 0.5, 0.5, 0.5, 0.75, 1, 1]
    assert shares == sorted(shares)


def test_parts_follow_each_other(shares):
    with part(0, 2):
        list(counted(range(2)))
    with part(1, 2):
        list(counted(range(2)))
    assert shares == [0, 0, 0.25, 0.5, 0.5, 0.5, 0.75, 1]


def test_loops_side_by_side_never_go_back_and_never_beyond_the_end(shares):
    list(zip(counted(range(3)), counted(range(3)), strict=True))
    assert shares == sorted(shares)
    assert max(shares) <= 1


def test_a_loop_that_is_left_is_forgotten(shares):
    for item in counted(range(4)):
        if item == 1:
            break
    shares.clear()
    list(counted(range(2)))
    assert shares == [0, 0.5, 1]


def test_a_fault_within_is_not_swallowed(shares):
    with pytest.raises(RuntimeError), part(0, 1):
        raise RuntimeError
    list(counted(range(1)))
    assert shares[-1] == 1


def test_who_is_told_may_end_it():
    class EnoughError(Exception):
        pass

    done = []

    def enough(share):
        if share >= 0.5:
            raise EnoughError

    with pytest.raises(EnoughError), report_to(enough):
        done.extend(counted(range(4)))
    assert done == [0, 1]


def test_a_checkpoint_tells_again_how_far_it_is():
    shares = []
    checkpoint()  # nobody is told
    with report_to(shares.append):
        checkpoint()
        for _ in counted(range(2)):
            checkpoint()
    assert shares == [0, 0, 0, 0.5, 0.5, 1]
