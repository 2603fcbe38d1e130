"""The limits: each is tested on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.limits import Addresses, Bucket, Limits, Pace


def test_a_bucket_lets_a_burst_through_and_then_makes_one_wait():
    bucket = Bucket(rate=10, burst=3, now=0)
    assert bucket.left(0) == 3
    assert [bucket.take(1, 0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(1, 0) == pytest.approx(0.1)
    assert bucket.take(1, 0.1) == pytest.approx(0.1)
    assert bucket.take(1, 10) == 0


def test_a_bucket_never_holds_more_than_its_burst():
    bucket = Bucket(rate=10, burst=3, now=0)
    assert bucket.is_full(0)
    assert bucket.take(4, 1000) == pytest.approx(0.1)
    assert not bucket.is_full(1000.3)
    assert bucket.is_full(1000.41)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=50))
def test_over_any_time_no_more_passes_than_burst_and_rate_allow(takes):
    bucket, now, taken = Bucket(rate=5, burst=20, now=0), 0.0, 0.0
    for amount, pause in takes:
        now += pause
        taken += amount
        wait = bucket.take(amount, now)
        now += wait
        assert taken <= 20 + 5 * now + 1e-6 * (1 + taken)


def test_what_was_said_at_one_pace_counts_at_another():
    limits = Limits(lines_per_second=1, lines_at_once=10, bytes_per_second=100, bytes_at_once=1000)
    one, other = Pace(limits, 0), Pace(limits, 0)
    one.lines.take(6, 0), other.lines.take(4, 0)
    assert one.add(other, 0) == 0
    assert (one.lines.left(0), one.bytes.left(0)) == (0, 1000)
    other.lines.take(1, 0), other.bytes.take(1300, 0)
    assert one.add(other, 0) == 5
    assert one.bytes.left(0) == -300
    lifted = Pace(limits.lifted(), 0)
    assert lifted.add(Pace(limits.lifted(), 0), 0) == 0


def test_a_lifted_bucket_lets_everything_through():
    limits = Limits().lifted()
    bucket = Bucket(limits.lines_per_second, limits.lines_at_once, 0)
    assert bucket.take(10**9, 0) == 0
    assert bucket.is_full(0)
    assert bucket.left(0) == float("inf")
    assert limits.remembered_bytes == Limits().remembered_bytes


@pytest.mark.parametrize(
    "host, most",
    [("192.0.2.1", 2), ("127.0.0.1", 3), ("127.9.9.9", 3), ("::1", 3), ("", 3), ("2001:db8::1", 2), ("a name", 2)],
)
def test_an_address_has_so_many_connections(host, most):
    addresses = Addresses(Limits(per_address=2, per_loopback=3))
    assert [addresses.enter(host) for _ in range(most + 1)] == [True] * most + [False]
    addresses.leave(host)
    assert addresses.enter(host)
    assert not addresses.enter(host)


def test_who_left_is_not_remembered():
    addresses = Addresses(Limits())
    addresses.enter("192.0.2.1")
    addresses.leave("192.0.2.1")
    assert addresses._live == {}


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_what_counts_as_one_address(one, other, same):
    addresses = Addresses(Limits(per_address=1))
    assert addresses.enter(one)
    assert addresses.enter(other) is not same


def test_an_address_may_fail_so_often_and_is_forgiven_with_time():
    addresses = Addresses(Limits(aliases_at_once=2, aliases_per_second=1))
    assert [addresses.fail("192.0.2.1", 0) for _ in range(3)] == [True, True, False]
    assert addresses.fail("192.0.2.2", 0)
    assert addresses.fail("192.0.2.1", 5)


def test_those_who_were_forgiven_are_forgotten():
    addresses = Addresses(Limits())
    for number in range(1500):
        addresses.fail(f"10.0.{number // 250}.{number % 250}", now=number * 100)
    assert len(addresses._failures) < 1100
