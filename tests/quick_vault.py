"""A vault that answers at once, and whose verifiers are no secret: for tests of the core and of doors in memory."""

from __future__ import annotations


class QuickVault:
    def __init__(self, parameters="quick"):
        self.parameters = parameters  # a verifier begins with those that it was made with

    def hash(self, password, answer):
        answer(f"{self.parameters} {password}")

    def check(self, password, verifier, answer):
        answer(bool(verifier) and verifier.partition(" ")[2] == password)

    def needs_rehash(self, verifier):
        return not verifier.startswith(f"{self.parameters} ")
