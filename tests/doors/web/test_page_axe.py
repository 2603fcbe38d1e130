"""Barriers that axe-core finds: none, wherever the page can be, light and dark, large and small."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...browser import say


def axe(page, where="html"):
    """Return what axe-core finds in an element, of any severity, by its best practices too."""
    import axe_core_python

    page.ask(Path(axe_core_python.__file__).with_name("axe.min.js").read_text())
    found = page.await_("return await axe.run(given[0])", where)
    assert found["passes"]
    return [
        (one["id"], one["impact"], [(node["target"], node.get("failureSummary")) for node in one["nodes"]])
        for one in found["violations"]
    ]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(window, house, people, tmp_path, width, scheme):
    page = window(house.url)
    page.look(width, scheme=scheme)
    alias, own = f"Ada{width}{scheme}", f"Axel{width}{scheme}"
    found = {}

    def look(name):
        page.picture(tmp_path / f"{name}.png")
        found[name] = axe(page)

    def opened(button, dialog, *keys):
        if width == 390:
            page.click("#open-rooms")
            page.wait("return getComputedStyle(document.getElementById('rooms')).translate === '0px'")
        page.click(button)
        page.has(f"{dialog}[open]")
        page.press(*keys) if keys else None
        look(dialog)
        page.press("ESCAPE")
        page.wait("return !document.querySelector('dialog[open]')")

    page.wait("return document.body.dataset.ready === ''")
    look("entrance")
    page.enter(own)
    page.shows("New here?", "#hint")
    page.has("[href$='parts.css']")
    ada = people(
        alias,
        f"/join {alias}",
        f"hello {own}",
        "see https://docs.example/",
        "/me waves",
        "/away",
        "/all all of you",
    )
    say(ada, f"/msg {own} psst", "/to lobby seen", f"/to lobby {own}: look")
    page.hears(f"{own}: look")
    page.say("/who")
    page.shows("in lobby", ".notice")
    page.say("/nosuch")
    page.shows("not said", ".refused")
    look("room")
    if width == 390:
        page.click("#open-rooms")
        page.wait("return getComputedStyle(document.getElementById('rooms')).translate === '0px'")
        look("rooms")
        page.press("ESCAPE")
        page.click("#open-people")
        page.wait("return getComputedStyle(document.getElementById('people')).translate === '0px'")
        look("people")
        page.press("ESCAPE")
    opened("#open-switcher", "#switcher", "lobby")
    opened("#open-help", "#help")
    opened("#open-invite", "#invite")
    opened("#leave", "#leaving")
    page.ask("document.getElementById('say').value = ''")  # the refused line was put back there
    page.press("@", into="#say")
    page.has("#offers li")
    look("offers")
    page.press("BACKSPACE")
    page.open(f"#@{alias}")
    page.hears("psst")
    look("private")
    page.click("#open-search")
    page.press("seen", "ENTER", into="#search-words")
    page.has("#search-found li")
    look("search")
    told = "\n".join(f"{name}: {fault}" for name, faults in found.items() for fault in faults)
    assert not told, told
