"""Coming back with a browser: after a tab was closed, and in a second tab."""

from __future__ import annotations

from ...browser import in_both


@in_both
def test_a_person_who_closes_the_tab_and_returns_is_in_at_once_as_the_same_person(window, house, people, driver):
    other = people("Other", "/join back", "before")
    page = window(f"{house.url}#back").enter("Asha")
    page.hears("before")
    page.say("said before")
    page.hears("said before")
    other.read_until("said before\n")
    driver.switch_to.window(page.handle)
    page.close()
    again = window(f"{house.url}#back", replaces=page)
    assert again.find("#alias").get_attribute("value") == "Asha"
    again.enter("")
    again.hears("said before")
    again.say("said after")
    assert "Asha has left" not in other.read_until("Asha: said after\n")
    again.say("/quit")
    other.read_until("Asha has left")


@in_both
def test_a_second_tab_is_offered_another_alias_or_to_go_on_here(window, house):
    first = window(house.url).enter("Zoe")
    first.wait("return localStorage['twisted_chat.proofs']?.includes('Zoe')")
    second = window(house.url)
    words = "Zoe is in the chat in another tab of this browser. Choose another alias, or go on as Zoe here."
    second.shows(words, "#entrance-said")
    assert second.find("#alias").get_attribute("value") == "Zoe2"
    second.ask("document.getElementById('alias').value = ''")
    second.press("zoe", "ENTER", into="#alias")
    second.shows(words.replace("Zoe", "zoe"), "#entrance-said")
    second.enter("")
    second.wait("return document.getElementById('own-alias').textContent === 'zoe2'")
    first.say("both are here")
    second.hears("both are here")
    third = window(house.url)
    third.has("#take-over:not([hidden])")
    third.ask("document.getElementById('alias').value = ''")
    third.press("Zoe", "ENTER", into="#alias")
    third.shows(words, "#entrance-said")
    third.click("#take-over")
    third.is_in()
    third.wait("return document.getElementById('own-alias').textContent === 'Zoe'")
    first.shows("This chat is open in another tab.", "#elsewhere")
    second.say("hello Zoe")
    third.hears("hello Zoe")
    for page in (second, third):
        page.say("/quit")


@in_both
def test_leaving_removes_the_kept_proof(window, house):
    page = window(house.url).enter("Lea")
    page.say("/quit")
    page.shows("you have left the chat", "#entrance-said")
    kept = page.ask("return [localStorage['twisted_chat.proofs'], sessionStorage['twisted_chat.session']]")
    assert kept == ["[]", "{}"]
