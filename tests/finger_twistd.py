"""``twistd`` with one door more: a row is added to the table of doors before the server reads it."""

from __future__ import annotations

import sys

from twisted.scripts.twistd import run

from twisted_chat.doors.table import DOORS

from .finger_door import FingerDoor

DOORS.append(FingerDoor)
sys.exit(run())
