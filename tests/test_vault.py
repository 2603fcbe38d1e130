"""The vault: passwords are hashed and checked in one thread, in order, and not too many at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from twisted_chat import vault
from twisted_chat.core.errors import Busy, NoPasswords
from twisted_chat.vault import MAX_WAITING, Argon2Vault

from .threaded_clock import ThreadedClock


class Vault:
    """A vault, its reactor, and what it answers."""

    def __init__(self):
        self.clock = ThreadedClock()
        self.vault = Argon2Vault(self.clock)
        self.answers = []

    def hash(self, password):
        self.vault.hash(password, self.answers.append)

    def check(self, password, verifier):
        self.vault.check(password, verifier, self.answers.append)

    def answered(self, count=1):
        """Return the answers that come next."""
        self.clock.run_until(lambda: len(self.answers) >= count)
        answers, self.answers = self.answers, []
        return answers

    def stop(self):
        self.clock.wait_for(self.vault.stop())


@pytest.fixture
def made():
    made = Vault()
    yield made
    made.stop()
    assert _ends()


def _ends():
    """Return whether the thread, which has done its last job, ends at once."""
    for thread in threading.enumerate():
        if thread.name == "vault":
            thread.join(10)
            return not thread.is_alive()
    return True


@pytest.fixture
def cheap(monkeypatch):
    """Make a hash take no time."""
    monkeypatch.setattr(vault, "MEMORY", 8)
    monkeypatch.setattr(vault, "PASSES", 1)


def test_a_password_fits_its_own_verifier_and_no_other_does(made):
    made.hash("correct horse")
    (verifier,) = made.answered()
    assert verifier.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for password in ("correct horse", "Correct horse", "correct hors", "", "\ud800"):
        made.check(password, verifier)
    assert made.answered(5) == [True, False, False, False, False]


def test_equal_passwords_have_different_verifiers(made, cheap):
    made.hash("caf\u00e9 caf\u00e9")
    made.hash("caf\u00e9 caf\u00e9")
    one, other = made.answered(2)
    assert one != other
    made.check("caf\u00e9 caf\u00e9", one)
    made.check("caf\u00e9 caf\u00e9", other)
    assert made.answered(2) == [True, True]


def test_nothing_fits_an_empty_verifier_and_that_takes_the_same_work(made, monkeypatch):
    checked = []

    class Spy:
        @staticmethod
        def verify_phc_encoded(password, verifier):
            checked.append(verifier.rsplit("$", 2))
            Argon2id.verify_phc_encoded(password, verifier)

    made.hash("correct horse")
    (verifier,) = made.answered()
    monkeypatch.setattr(vault, "_argon2", lambda: Spy)
    made.check("correct horse", verifier)
    made.check("correct horse", "")
    assert made.answered(2) == [True, False]
    one, other = checked
    assert one[0] == other[0]  # the parameters
    assert list(map(len, one)) == list(map(len, other))
    made.check("correct horse", vault._NOBODYS)
    assert made.answered() == [False]


def test_a_verifier_that_is_none_fits_nothing(made):
    made.check("correct horse", "no verifier")
    assert made.answered() == [False]


@pytest.mark.parametrize(
    "verifier, needs",
    [
        ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", False),
        ("$argon2id$v=19$m=19456,t=3,p=1$c2FsdA$aGFzaA", True),
        ("$argon2id$v=19$m=1945,t=2,p=1$c2FsdA$aGFzaA", True),
        ("$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", True),
        ("", True),
    ],
)
def test_a_verifier_with_other_parameters_is_to_be_made_again(made, verifier, needs):
    assert made.vault.needs_rehash(verifier) == needs


def test_64_may_wait_and_the_65th_is_told_to_try_again(made, cheap):
    assert MAX_WAITING == 64
    made.hash("correct horse")
    (verifier,) = made.answered()
    for _ in range(64):
        made.check("correct horse", verifier)
    made.check("correct horse", verifier)
    made.hash("correct horse")
    assert made.answers == []  # nothing is answered at once
    answers = made.answered(66)
    assert answers.count(True) == 64
    busy = [answer for answer in answers if isinstance(answer, Busy)]
    assert [str(error) for error in busy] == [
        "the server is checking too many passwords now: try again in a few seconds"
    ] * 2
    assert busy[0].seconds == 3
    made.check("correct horse", verifier)
    assert made.answered() == [True]


def test_answers_come_in_order(made, cheap):
    made.hash("correct horse")
    (verifier,) = made.answered()
    passwords = ["correct horse", "x", "y", "correct horse", "z"]
    for password in passwords:
        made.check(password, verifier)
    assert made.answered(5) == [True, False, False, True, False]


def test_no_password_is_hashed_or_checked_in_the_reactors_thread(made, cheap, monkeypatch):
    threads, hashed, fits = [], vault._hashed, vault._fits

    def noted(work):
        def note(*arguments):
            threads.append(threading.current_thread().name)
            return work(*arguments)

        return note

    monkeypatch.setattr(vault, "_hashed", noted(hashed))
    monkeypatch.setattr(vault, "_fits", noted(fits))
    made.hash("correct horse")
    (verifier,) = made.answered()
    made.check("correct horse", verifier)
    assert made.answered() == [True]
    assert threads == ["vault", "vault"]


def test_after_a_stop_nobody_is_answered(cheap):
    made = Vault()
    made.hash("correct horse")
    (verifier,) = made.answered()
    for _ in range(10):
        made.check("correct horse", verifier)
    made.stop()
    made.check("correct horse", verifier)
    made.clock.advance(1)
    while not made.clock.asked.empty():
        function, args = made.clock.asked.get()
        function(*args)
    assert made.answers == []
    assert _ends()


def test_a_vault_that_was_never_asked_has_no_thread():
    made = Vault()
    assert "vault" not in {thread.name for thread in threading.enumerate()}
    made.stop()


def test_without_argon2_in_openssl_the_answer_says_what_to_do(made, monkeypatch):
    def refuse(**more):
        raise UnsupportedAlgorithm("This version of OpenSSL does not support argon2id")

    monkeypatch.setattr(vault, "_argon2", lambda: refuse)
    made.hash("correct horse")
    (error,) = made.answered()
    assert isinstance(error, NoPasswords)
    assert str(error) == (
        "passwords cannot be used now: the server's OpenSSL has no Argon2, "
        "which takes cryptography 45 with OpenSSL 3.2, or newer"
    )


def test_a_fault_is_logged_and_the_next_password_is_checked(made, monkeypatch, logged_failures):
    made.check("correct horse", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB")  # a salt that is too short
    (error,) = made.answered()
    assert isinstance(error, NoPasswords)
    assert str(error).startswith("passwords cannot be used now: sorry, a fault of ours")
    logged_failures()
    made.check("correct horse", "")
    assert made.answered() == [False]


@pytest.mark.slow
def test_a_server_without_accounts_loads_no_argon2():
    code = (
        "import sys, twisted_chat.service, twisted_chat.vault\n"
        "from twisted.internet import reactor\n"
        "twisted_chat.vault.Argon2Vault(reactor)\n"
        "print([name for name in sys.modules if 'argon2' in name])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
