"""The telnet commands in a client's bytes: they are removed, and answered where RFC 854 asks for an answer.

Only one option is ever offered: to echo, while a password is asked for. Then the client shows no letters, and neither
does the server. Otherwise the filter is silent until spoken to, O(1) in memory, and it never raises.
twisted.conch.telnet is not used because it raises on bytes that real clients send and parses byte by byte; 0xFF never
occurs in UTF-8, so nearly every chunk passes after one search for it.
"""

from __future__ import annotations

from collections.abc import Callable

IAC = 255
IAC_BYTE = b"\xff"
WILL, WONT, DO, DONT, SB, SE = 251, 252, 253, 254, 250, 240
ECHO = 1  # RFC 857
TIMING_MARK = 6  # RFC 860
AYT = 246
AYT_ANSWER = b"-- yes, the server is here\r\n"

# Commands that stand for a key (RFC 854; RFC 1184 for EOF, SUSP and ABORT), as the bytes that the line editor knows.
_KEYS = {
    236: b"\n\x04",  # EOF also ends the unfinished line
    237: b"\x03",  # SUSP
    238: b"\x03",  # ABORT
    243: b"\x03",  # BRK
    244: b"\x03",  # IP: Ctrl-C
    247: b"\x7f",  # EC
    248: b"\x15",  # EL
}
_LOWEST_COMMAND = 236
_ENDS_OF_LINES = b"\r\n"

_TEXT, _COMMAND, _OPTION, _SUB, _SUB_COMMAND = range(5)


class TelnetFilter:
    """One connection's filter. ``answer`` is called with the bytes that answer the peer."""

    __slots__ = ("_answer", "_offers", "_state", "_verb", "is_within", "spoken")

    def __init__(self, answer: Callable[[bytes], object]) -> None:
        self.spoken = False  # whether the peer has shown that it speaks telnet
        self.is_within = False  # a command has begun and not ended
        self._answer = answer
        self._offers = 0  # to echo, which the peer has not answered yet
        self._state = _TEXT
        self._verb = 0

    def feed(self, data: bytes) -> bytes:
        """Return the text in a chunk. A chunk without IAC that does not begin within a command needs no call."""
        text = bytearray()
        asked = False
        position = 0
        while position < len(data):
            if self._state == _TEXT:
                start, position = position, data.find(IAC_BYTE, position)
                if position < 0:
                    text += data[start:]
                    break
                text += data[start:position]
                self._state = _COMMAND
            else:
                byte = data[position]
                asked = asked or (self._state == _COMMAND and byte == AYT)
                text += self._step(byte)
            position += 1
        self.is_within = self._state != _TEXT
        if asked:  # one answer a chunk, so that a peer cannot multiply bytes
            self._answer(AYT_ANSWER)
        return bytes(text)

    def hide(self) -> bytes:
        """Return the offer after which the client shows nothing that is typed."""
        self._offers += 1
        return bytes((IAC, WILL, ECHO))

    def show(self) -> bytes:
        """Return the end of that."""
        return bytes((IAC, WONT, ECHO))

    def _step(self, byte: int) -> bytes:
        """Process one byte of a command; return the text that it stands for, if any."""
        state, self._state = self._state, _TEXT
        if state == _COMMAND:
            return self._command(byte)
        if byte in _ENDS_OF_LINES:
            # Not a negotiation, but a stray 0xFF (a Latin-1 netcat): the line ends all the same.
            return bytes((byte,))
        if state == _OPTION:
            self._negotiate(byte)
        elif state == _SUB:
            self._state = _SUB_COMMAND if byte == IAC else _SUB
        elif byte != SE:
            self._state = _SUB
        return b""

    def _command(self, byte: int) -> bytes:
        if byte < _LOWEST_COMMAND or byte == IAC:
            return IAC_BYTE if byte == IAC else bytes((IAC, byte))  # not telnet: the decoder will name the bad byte
        self.spoken = True
        if byte in (WILL, WONT, DO, DONT):
            self._state, self._verb = _OPTION, byte
        elif byte == SB:
            self._state = _SUB
        return _KEYS.get(byte, b"")

    def _negotiate(self, option: int) -> None:
        """Refuse every option (RFC 855) except the timing mark. A refusal is never answered, so nothing loops."""
        if option == ECHO and self._offers and self._verb in (DO, DONT):
            self._offers -= 1
        elif self._verb == DO:
            self._answer(bytes((IAC, WILL if option == TIMING_MARK else WONT, option)))
        elif self._verb == WILL:
            self._answer(bytes((IAC, DONT, option)))
