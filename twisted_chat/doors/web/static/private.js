// Private conversations after leaving: kept in this browser, by alias, for some days. The server does not send them again.

import {$} from "./dom.js"
import {keyOf} from "./people.js"

export const DAYS = 7
const NAME = "twisted_chat.private"
const MAX_ITEMS = 200 // of a conversation
const DAY = 86400000 // milliseconds

// Return the kept conversations by the alias's key, {until, alias, logs: [{label, items}]}, without those that are too old.
function kept() {
	try {
		const all = Object.entries(JSON.parse(localStorage.getItem(NAME)) ?? {})
		return Object.fromEntries(all.filter(([, {until}]) => until > Date.now()))
	} catch {
		return {}
	}
}

function write(all) {
	try {
		if (Object.keys(all).length) localStorage.setItem(NAME, JSON.stringify(all))
		else localStorage.removeItem(NAME)
	} catch {
		// switched off, or full: then nothing is kept
	}
}

// Keep the conversations of an alias, in place of those that were kept before.
export function keep(alias, people) {
	const logs = people
		.filter(({items}) => items.length)
		.map(({label, items}) => ({label, items: items.slice(-MAX_ITEMS)}))
	const {[keyOf(alias)]: _, ...others} = kept()
	write(logs.length ? {...others, [keyOf(alias)]: {alias, until: Date.now() + DAYS * DAY, logs}} : others)
}

// Put the kept lines of an alias before those that came since.
export function restore(rooms) {
	for (const {label, items} of kept()[keyOf(rooms.alias)]?.logs ?? []) {
		const log = rooms.person(label)
		log.items.unshift(...items.map((item, at) => ({...item, key: `k${at}`})))
	}
}

// Show at the entrance whose conversations are kept, with a button that deletes them.
export function tell() {
	const all = Object.values(kept())
	write(kept())
	$("kept").hidden = !all.length
	$("kept-words").textContent =
		`Private conversations of ${all.map(({alias}) => alias).join(", ")} are kept in this browser.`
	$("forget-kept").onclick = () => {
		write({})
		tell()
		$("alias").focus()
	}
}
