// Joins, leaves and new aliases in as few words as possible: "Anshul, Bhoomika joined". Pure.

import {keyOf} from "./people.js"
import {RULES} from "./rules.js"

const MAX_NAMES = 12 // of each kind

// Return the sum of some moves in one room, oldest first: words, and [text] for the text of a person.
export function folded(moves) {
	const people = new Map() // by key: {alias, steps}
	const renames = []
	const removals = []
	for (const move of moves) {
		const {kind, author, text} = move
		if (kind === "renamed") {
			renames.push([[author], " is now known as ", [text]])
			continue
		}
		if (kind === "removed") {
			removals.push(RULES.removed(move))
			continue
		}
		const person = people.get(keyOf(author)) ?? {alias: author, steps: [], why: ""}
		person.steps.push(kind)
		person.why = kind === "left" ? text : ""
		people.set(keyOf(author), person)
	}
	const aliases = new Map(["joined", "left"].map((words) => [words, []]))
	for (const {alias, steps, why} of people.values()) {
		const words = outcome(steps, why)
		aliases.set(words, [...(aliases.get(words) ?? []), alias])
	}
	const parts = [...aliases]
		.filter(([, names]) => names.length)
		.map(([words, names]) => [...listed(names.map((name) => [[name]])), " ", [words]])
	return joined([...parts, ...(renames.length ? [listed(renames)] : []), ...removals], " \u00b7 ")
}

function outcome(steps, why) {
	const last = steps.at(-1)
	if (steps[0] !== last) return last === "left" ? "came and went" : "left and came back"
	return why ? `${last} (${why})` : last
}

function listed(parts) {
	const rest = parts.length - MAX_NAMES
	return [...joined(parts.slice(0, MAX_NAMES), ", "), ...(rest > 0 ? [` and ${rest} more`] : [])]
}

const joined = (parts, sign) => parts.flatMap((part, index) => (index ? [sign, ...part] : part))
