// Aliases on the page: whether two are the same, their colour, their first letter.

const HUES = 10 // in style.css

// Nearly the server's rule; where they differ, a person has two entries, and no line is lost.
export const keyOf = (alias) => alias.normalize("NFC").toLowerCase()

export const isSame = (one, other) => keyOf(one) === keyOf(other)

// Always the same colour for one alias, whatever its case (FNV-1a, mixed once more).
export function hueOf(alias) {
	let hash = 0x811c9dc5
	for (const character of keyOf(alias)) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0
	return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 13) % HUES
}

// Give an element the colour of an alias.
export function colour(node, alias) {
	node.style.setProperty("--hue", `var(--h${hueOf(alias)})`)
	return node
}

export const initialOf = (alias) => (alias.match(/^\P{M}\p{M}*/u)?.[0] ?? "").toUpperCase()

export const byName = (one, other) => keyOf(one).localeCompare(keyOf(other))
