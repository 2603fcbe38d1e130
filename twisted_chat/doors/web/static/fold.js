// Who came, went and took other aliases, in as few words as can be: "Anshul, Bhoomika joined". Pure.

import {keyOf} from "./people.js"

const MOST = 12 // names that are told of each kind

// Return what some moves of one room come to, oldest first: words, and [text] for what a person wrote.
export function folded(moves) {
	const people = new Map() // by key: {alias, steps}
	const renames = []
	for (const {kind, author, text} of moves) {
		if (kind === "renamed") {
			renames.push([[author], " is now known as ", [text]])
			continue
		}
		const person = people.get(keyOf(author)) ?? {alias: author, steps: [], why: ""}
		person.steps.push(kind)
		person.why = kind === "left" ? text : ""
		people.set(keyOf(author), person)
	}
	const told = new Map(["joined", "left"].map((words) => [words, []]))
	for (const {alias, steps, why} of people.values()) {
		const words = outcome(steps, why)
		told.set(words, [...(told.get(words) ?? []), alias])
	}
	const parts = [...told]
		.filter(([, names]) => names.length)
		.map(([words, names]) => [...listed(names.map((name) => [[name]])), " ", [words]])
	return joined([...parts, ...(renames.length ? [listed(renames)] : [])], " \u00b7 ")
}

function outcome(steps, why) {
	const last = steps.at(-1)
	if (steps[0] !== last) return last === "left" ? "came and went" : "left and came back"
	return why ? `${last} (${why})` : last
}

function listed(parts) {
	const rest = parts.length - MOST
	return [...joined(parts.slice(0, MOST), ", "), ...(rest > 0 ? [` and ${rest} more`] : [])]
}

const joined = (parts, sign) => parts.flatMap((part, index) => (index ? [sign, ...part] : part))
