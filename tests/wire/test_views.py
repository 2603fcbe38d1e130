"""Every view: the same events are always the same bytes, whatever happened before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.events import KINDS, LOGGED, Event
from twisted_chat.wire.irc_view import CAPS, IrcView
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView
from twisted_chat.wire.sse import SseView

VIEWS = [
    PlainView(),
    PlainView("\r\n", stamps=True, numbers=True, colour=True, moves=False),
    JsonView(),
    SseView("journal"),
    IrcView("chat.example", "journal"),
    IrcView("chat.example", "journal", CAPS),
]
DATA = {"by": "bob", "role": "operator", "access": "open", "credentials": [3], "who": "alice", "until": 60.0}
EVENTS = st.builds(
    Event,
    st.sampled_from(sorted(name for name in LOGGED if KINDS[name].people is not None)),
    st.sampled_from(["lobby", "ops"]),
    st.sampled_from(["alice", "bob"]),
    st.text("ab c*:", min_size=1),
    st.integers(0, 3),
    st.integers(1, 9),
    st.floats(1.0, 1e6),
    st.sampled_from(["", "client/1"]),
    st.integers(0, 1),
    st.just(DATA),
)


@given(view=st.sampled_from(VIEWS), run=st.lists(EVENTS, min_size=1, max_size=6), others=st.lists(EVENTS, max_size=3))
def test_a_run_is_the_same_bytes_each_time_and_in_parts(view, run, others):
    """The hub encodes runs that some readers never get, and encodes them again for others."""
    whole = view.encode(run)
    view.encode(others)
    assert view.encode(run) == whole
    parts = view.each(run, whole)
    assert len(parts) == len(run)
    assert b"".join(parts) == whole
    assert [view.encode([event]) for event in run] == parts
