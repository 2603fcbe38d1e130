"""The limits: each is tested on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.limits import PLACES, Addresses, Bucket, Limits, Pace, SecretTries


def test_a_bucket_lets_a_burst_through_and_then_makes_one_wait():
    bucket = Bucket(rate=10, burst=3, now=0)
    assert bucket.left(0) == 3
    assert [bucket.take(1, 0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(1, 0) == pytest.approx(0.1)
    assert bucket.take(1, 0.1) == pytest.approx(0.1)
    assert bucket.take(1, 10) == 0


def test_a_bucket_never_holds_more_than_its_burst():
    bucket = Bucket(rate=10, burst=3, now=0)
    assert bucket.left(1000) == 3
    assert bucket.take(4, 1000) == pytest.approx(0.1)
    assert bucket.until(1, 1000) == pytest.approx(0.2)
    assert bucket.left(1000.3) < 3
    assert bucket.left(1000.41) == 3
    assert bucket.until(1, 1000.41) == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=50))
def test_over_any_time_no_more_passes_than_burst_and_rate_allow(takes):
    bucket, now, taken = Bucket(rate=5, burst=20, now=0), 0.0, 0.0
    for amount, pause in takes:
        now += pause
        taken += amount
        wait = bucket.take(amount, now)
        now += wait
        assert taken <= 20 + 5 * now + 1e-6 * (1 + taken)


def test_a_resumed_session_pays_for_the_lines_of_its_new_connection():
    limits = Limits(lines_per_second=1, lines_at_once=10, bytes_per_second=100, bytes_at_once=1000)
    one, other = Pace(limits, 0), Pace(limits, 0)
    one.lines.take(6, 0), other.lines.take(4, 0)
    assert one.move(other, 0) == 0
    assert (one.lines.left(0), one.bytes.left(0)) == (0, 1000)
    other.lines.take(1, 0), other.bytes.take(1300, 0)
    assert one.move(other, 0) == 5
    assert one.bytes.left(0) == -300
    assert one.address is other.address
    lifted = Pace(limits.lifted(), 0)
    assert lifted.move(Pace(limits.lifted(), 0), 0) == 0


def test_a_lifted_bucket_lets_everything_through():
    limits = Limits().lifted()
    bucket = Bucket(limits.lines_per_second, limits.lines_at_once, 0)
    assert bucket.take(10**9, 0) == 0
    assert bucket.left(0) == float("inf")
    assert limits.remembered_bytes == Limits().remembered_bytes


# -- one budget an address, beneath the paces of those who come from there

SMALL = Limits(
    lines_per_second=1, lines_at_once=10, bytes_per_second=100, bytes_at_once=1000, per_address=8, address_share=1 / 4
)  # so that two may say as much as they can


def test_a_newcomer_begins_with_the_rest_of_the_addresss_budget():
    addresses = Addresses(SMALL)
    assert addresses.pace("192.0.2.1", 0).take_lines(10, 0) == 0
    second = addresses.pace("192.0.2.1", 0)
    assert second.left(0) == 10
    assert second.take_lines(8, 0) == 0
    third = addresses.pace("192.0.2.1", 0)
    assert (third.left(0), third.wait(0)) == (2, 0)
    assert third.take_lines(6, 0) == 2  # 4 too many, at 2 a second
    assert addresses.pace("192.0.2.1", 0).wait(0) == 2
    assert addresses.pace("192.0.2.1", 1).wait(1) == 1
    assert addresses.pace("192.0.2.2", 0).wait(0) == 0


def test_bytes_have_a_budget_too():
    addresses = Addresses(SMALL)
    for _ in range(2):
        assert addresses.pace("192.0.2.1", 0).take_bytes(1000, 0) == 0
    assert addresses.pace("192.0.2.1", 0).take_bytes(200, 0) == 1
    assert addresses.pace("192.0.2.1", 0).wait(0) == 1


def test_lines_cost_the_events_that_they_cause():
    addresses = Addresses(SMALL)
    pace = addresses.pace("192.0.2.1", 0)
    pace.caused = 12  # another alias in ten rooms
    assert pace.take_lines(1, 0) == 0
    assert (pace.lines.left(0), pace.left(0)) == (9, 8)
    assert pace.take_lines(1, 0) == 0  # that was paid for
    assert addresses.pace("192.0.2.1", 0).left(0) == 7


def test_the_events_of_a_leave_count_against_later_connections():
    addresses = Addresses(SMALL)
    gone = addresses.pace("192.0.2.1", 0)
    gone.take_lines(1, 0)
    gone.caused = 29
    gone.leave(0)
    assert addresses.pace("192.0.2.1", 0).left(0) == -10
    assert addresses.pace("192.0.2.1", 0).wait(0) == 5


def test_a_budget_is_never_less_than_what_one_connection_may_say():
    addresses = Addresses(Limits(lines_at_once=10, per_address=1))
    assert addresses.pace("192.0.2.1", 0).left(0) == 10


def test_no_limits_lifts_the_budget():
    addresses = Addresses(SMALL.lifted())
    for _ in range(1000):
        assert addresses.enter("192.0.2.1", 0) == ""
        assert addresses.pace("192.0.2.1", 0).take_lines(10**6, 0) == 0
        assert addresses.pace("192.0.2.1", 0).take_bytes(10**9, 0) == 0
    assert addresses.pace("192.0.2.1", 0).left(0) == float("inf")


def test_connections_that_come_and_go_have_a_rate():
    addresses = Addresses(Limits(per_address=2, opened_at_once=2, opened_per_second=1 / 4))

    def come_and_go(now):
        refusal = addresses.enter("192.0.2.1", now)
        if not refusal:
            addresses.leave("192.0.2.1")
        return refusal

    assert [come_and_go(0) for _ in range(4)] == [""] * 4
    words = "too many new connections from your address: try again in 2 seconds, or ask the server's operator"
    assert [come_and_go(0) for _ in range(100)] == [f"{words} to raise --per-address"] * 100
    assert addresses.enter("192.0.2.2", 0) == ""
    assert "in 1 second," in come_and_go(1)
    assert come_and_go(2) == ""  # those that were refused do not count


def test_a_flood_of_refusals_is_news_once_a_minute():
    budget = Addresses(SMALL).budget("192.0.2.1", 0)
    assert [budget.is_news(now) for now in (0, 1, 59, 60, 61)] == [True, False, False, True, False]


@pytest.mark.parametrize(
    "host, most",
    [
        ("192.0.2.1", 2),
        ("2001:db8::1", 2),
        ("a name", 2),
        ("100.128.0.1", 2),
        ("172.32.0.1", 2),
        ("10.1.2.3", 3),
        ("172.16.0.1", 3),
        ("192.168.1.1", 3),
        ("::ffff:192.168.1.1", 3),
        ("169.254.1.1", 3),
        ("100.64.0.1", 3),
        ("100.127.255.254", 3),
        ("fd01::1", 3),
        ("fe80::1", 3),
        ("127.0.0.1", 4),
        ("127.9.9.9", 4),
        ("::1", 4),
        ("", 4),
    ],
)
def test_an_address_has_a_bounded_number_of_connections(host, most):
    addresses = Addresses(Limits(per_address=2, per_private=3, per_loopback=4))
    refusal = (
        f"too many connections from your address, {most} at most: close one and try again, "
        "or ask the server's operator to raise --per-address"
    )
    assert [addresses.enter(host, 0) for _ in range(most + 1)] == [""] * most + [refusal]
    addresses.leave(host)
    assert addresses.enter(host, 0) == ""
    assert addresses.enter(host, 0) == refusal


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fd01::1", "fd01::2", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1", "fe80::2", False),
        ("fe80::1%eth0", "fe80::1%eth1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_ipv6_networks_count_as_one_address(one, other, same):
    addresses = Addresses(Limits(per_address=1, per_private=1))
    assert addresses.enter(one, 0) == ""
    assert bool(addresses.enter(other, 0)) is same


def test_an_address_may_fail_a_few_times_and_is_forgiven_with_time():
    addresses = Addresses(Limits(aliases_at_once=2, aliases_per_second=1))
    assert [addresses.fail("192.0.2.1", 0) for _ in range(3)] == [True, True, False]
    assert addresses.fail("192.0.2.2", 0)
    assert addresses.fail("192.0.2.1", 5)


def test_addresses_without_a_connection_are_forgotten_when_there_are_too_many():
    addresses = Addresses(SMALL)
    addresses.enter("192.0.2.1", 0)
    addresses.pace("192.0.2.1", 0).take_lines(5, 0)
    addresses.pace("192.0.2.2", 0).take_lines(5, 0)
    for number in range(PLACES):
        addresses.enter(f"198.51.{number // 250}.{number % 250}", 0)
        addresses.leave(f"198.51.{number // 250}.{number % 250}")
    assert addresses.pace("192.0.2.1", 0).address.lines.left(0) == 15  # it is here
    assert len(addresses._live) == 1
    assert len(addresses._quiet) == PLACES
    assert addresses.pace("192.0.2.2", 0).address.lines.left(0) == 20
    addresses.leave("192.0.2.1")
    assert addresses._live == {}


# -- secrets


def test_five_wrong_secrets_are_tried_at_once_and_then_one_every_twelve_seconds():
    tries = SecretTries(Limits())
    assert [tries.try_secret("192.0.2.1", "alice", 0) for _ in range(7)] == [0, 0, 0, 0, 0, 12, 12]
    assert tries.try_secret("192.0.2.1", "alice", 11) == 1
    assert tries.try_secret("192.0.2.1", "alice", 12) == 0
    assert tries.try_secret("192.0.2.1", "alice", 12) == 12


def test_another_address_and_another_name_have_tries_of_their_own():
    tries = SecretTries(Limits())
    for _ in range(5):
        assert tries.try_secret("", "alice", 0) == 0
    assert tries.try_secret("", "alice", 0) == 12  # this machine, too
    assert tries.try_secret("", "bob", 0) == 0
    assert tries.try_secret("192.0.2.1", "alice", 0) == 0


def test_all_addresses_of_one_network_in_ipv6_are_one():
    tries = SecretTries(Limits())
    assert [tries.try_secret(f"2001:db8::{n}", "alice", 0) for n in range(6)] == [0, 0, 0, 0, 0, 12]
    assert [tries.try_registration(f"2001:db8::{n}", 0) for n in range(6)] == [0, 0, 0, 0, 0, 720]
    tries.take_back("2001:db8::ffff", "alice", 0)
    assert tries.try_secret("2001:db8::1", "alice", 0) == 0
    assert tries.try_secret("2001:db8:0:1::1", "alice", 0) == 0


def test_a_right_secret_costs_no_try():
    tries = SecretTries(Limits())
    for _ in range(20):
        assert tries.try_secret("192.0.2.1", "alice", 0) == 0
        tries.take_back("192.0.2.1", "alice", 0)
    assert [tries.try_secret("192.0.2.1", "alice", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 12]
    tries.take_back("192.0.2.1", "never tried", 0)


def test_pending_tries_count_as_wrong():
    tries = SecretTries(Limits())
    assert [tries.try_secret("192.0.2.1", "alice", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 12]
    tries.take_back("192.0.2.1", "alice", 0)  # one of the five, whose check took its time
    assert tries.try_secret("192.0.2.1", "alice", 0) == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 12)), max_size=40))
def test_over_any_time_no_more_wrong_secrets_are_tried_than_the_limit_allows(steps):
    tries, now, tried = SecretTries(Limits()), 0.0, 0
    for pause, count in steps:
        now += pause
        for _ in range(count):
            wait = tries.try_secret("192.0.2.1", "alice", now)
            tried += wait == 0
            assert 0 <= wait <= 12
            if wait:
                break
        assert tried <= 5 + now * 5 / 60 + 1e-3
    assert tries.try_secret("192.0.2.1", "alice", now + 12) == 0


def test_a_place_registers_five_accounts_at_once_and_then_one_every_twelve_minutes():
    tries = SecretTries(Limits())
    assert [tries.try_registration("192.0.2.1", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 720]
    assert tries.try_registration("192.0.2.2", 0) == 0
    assert tries.try_registration("192.0.2.1", 719.5) == 1
    assert tries.try_registration("192.0.2.1", 720) == 0


def test_without_limits_accounts_are_registered_freely_and_secrets_are_not_guessed():
    tries = SecretTries(Limits().lifted())
    assert {tries.try_registration("192.0.2.1", 0) for _ in range(100)} == {0}
    assert [tries.try_secret("192.0.2.1", "alice", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 12]


def test_the_tries_that_are_remembered_are_bounded_and_the_one_quiet_for_longest_is_forgotten():
    tries = SecretTries(Limits())
    for _ in range(6):
        tries.try_secret("192.0.2.1", "alice", 0)
    for n in range(PLACES - 1):
        tries.try_secret("192.0.2.1", f"name{n}", 0)
        tries.try_registration(f"place{n}", 0)
    assert tries.try_secret("192.0.2.1", "alice", 0) == 12  # and this was a sign of life
    for n in range(PLACES - 1):
        tries.try_secret("192.0.2.1", f"other{n}", 0)
    assert tries.try_secret("192.0.2.1", "alice", 0) == 12
    for n in range(PLACES):
        tries.try_secret("192.0.2.1", f"third{n}", 0)
        tries.try_registration(f"another place{n}", 0)
    assert tries.try_secret("192.0.2.1", "alice", 0) == 0
    assert len(tries._wrong) == len(tries._registrations) == PLACES
