// What in a text is a link, and what in a text names somebody. Pure: no DOM, no state.

const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`\u00ab\u00bb\u201c\u201d]+/giu
const AT_THE_END = /[.,;:!?*_~\u2026]$/u
const PAIRS = { ")": "(", "]": "[", "}": "{" }

// Return a text in pieces, {text} or {text, href}; joined they are the text as it was typed.
export function pieces(text) {
	const found = []
	let from = 0
	for (const match of text.matchAll(CANDIDATE)) {
		const shown = trimmed(match[0])
		const href = safe(shown)
		if (href === null) continue
		if (match.index > from) found.push({ text: text.slice(from, match.index) })
		found.push({ text: shown, href })
		from = match.index + shown.length
	}
	if (from < text.length) found.push({ text: text.slice(from) })
	return found
}

// Return where an address leads, or null unless it is http or https to a host.
export function safe(address) {
	let url
	try {
		url = new URL(address)
	} catch {
		return null
	}
	return ["http:", "https:"].includes(url.protocol) && url.hostname ? url.href : null
}

// The full stop after an address belongs to the sentence; a bracket does if it was opened before the address.
function trimmed(address) {
	for (let trims = 0; trims < 20; trims++) {
		const last = address.at(-1)
		const opening = PAIRS[last]
		const isOpen = opening && count(address, opening) < count(address, last)
		if (!isOpen && !AT_THE_END.test(address)) return address
		address = address.slice(0, -1)
	}
	return address
}

const count = (text, character) => text.split(character).length - 1

// Whether a text names an alias, as a word of its own.
export function names(text, alias) {
	const word = alias.replaceAll(".", "\\.") // the one sign in an alias that would mean something here
	return Boolean(alias) && new RegExp(`(?<!${LETTER})${word}(?!${LETTER})`, "iu").test(text)
}

const LETTER = "[\\p{L}\\p{N}\\p{M}_]"
