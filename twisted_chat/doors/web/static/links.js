// The links in a text, and the person's name in a text. Pure: no DOM, no state.

// An address ends before these: spaces, quotes, and the stops and brackets of scripts that put no space after them.
const STOPS =
	'\\s<>"`\\u00ab\\u00bb\\u2018\\u2019\\u201c\\u201d\\u200b\\u3001\\u3002\\u3008-\\u3011\\u3014-\\u301f\\uff01\\uff08\\uff09\\uff0c\\uff1a\\uff1b\\uff1f\\uff3b\\uff3d\\uff5b\\uff5d\\uff5f-\\uff64\\u0964\\u0965\\u104a\\u104b\\u17d4\\u17d5\\u1362'
const CANDIDATE = new RegExp(`(?<![a-z0-9])https?://[^${STOPS}/?#']+(?:[/?#][^${STOPS}]*)?`, "giu")
const AT_THE_END = /(?![/#%&@\\*])[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Cf}]$/u
const PAIRS = {")": "(", "]": "[", "}": "{"}

// Return a text in pieces, {text} or {text, href, host}; joined they are the text as it was typed. "host" is a link's real
// host, if the text seems to show another.
export function pieces(text) {
	const found = []
	let from = 0
	for (const match of text.matchAll(CANDIDATE)) {
		const shown = trimmed(match[0], text[match.index - 1])
		const href = safe(shown)
		if (href === null) continue
		if (match.index > from) found.push({text: text.slice(from, match.index)})
		found.push({text: shown, href, ...guise(shown, new URL(href))})
		from = match.index + shown.length
	}
	if (from < text.length) found.push({text: text.slice(from)})
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

// The full stop after an address belongs to the sentence; a bracket does if it was opened before the address, and so does
// the sign of *emphasis* if it stands before the address as well.
function trimmed(address, before) {
	for (let trims = 0; trims < 200; trims++) {
		const last = address.at(-1)
		const opening = PAIRS[last]
		const isOutside = opening ? count(address, opening) < count(address, last) : AT_THE_END.test(address)
		if (!isOutside && !(last === before && "*_~".includes(last))) return address
		address = address.slice(0, -1)
	}
	return address
}

const count = (text, character) => text.split(character).length - 1

// -- where a link really leads

const ALONE =
	"Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao Malayalam Myanmar Oriya Sinhala Tamil Telugu Thai"
const PLAIN = [
	"a-z\\u00df-\\u00f6\\u00f8-\\u0130\\u0132-\\u0137\\u0139-\\u017e", // Latin, but the letters without a dot or a stem
	"a-z\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Bopomofo}\\p{scx=Hangul}",
	...ALONE.split(" ").map((script) => `\\p{scx=${script}}`)
].map((letters) => new RegExp(`^[${letters}0-9-]+$`, "u"))
// Letters of Cyrillic, Greek and Armenian that look like Latin; Chromium's list.
const LIKE_LATIN =
	/^[\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u0517\u051b\u0455\u051d\u0445\u0443\u044a\u044c\u04bd\u043f\u0433\u0475\u0461\u03b1\u03b9\u03ba\u03bd\u03c1\u03c5\u03c9\u03b7\u03bf\u03c4\u0561\u0563\u0566\u0567\u056c\u0570\u0575\u0578\u057d\u0582\u05850-9-]+$/

// Return {host} if people would read another host: after a "user@", a number, or letters that look like others.
function guise(shown, {hostname, host}) {
	const read = shown.match(/\/\/((?:\[[^\]]*\])?[^/?#\\:]*)/)[1].toLowerCase()
	const isRead =
		!shown.match(/\/\/[^/?#\\]*@/) &&
		(read === hostname || (hostname.includes("xn--") && read.split(".").every(isPlain)))
	return isRead ? {} : {host}
}

// Return whether the letters of a part of a host are all of one script, and do not all look like letters of another.
const isPlain = (label) =>
	/^[a-z0-9-]*$/.test(label) ||
	(!LIKE_LATIN.test(label) && PLAIN.some((letters) => letters.test(label.normalize("NFC"))))

// -- calls and mentions: the rules of twisted_chat/core/text.py

// Scripts that put no space between words, or add particles to a name.
const SPACELESS =
	"\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7a3\\uf900-\\ufaff\\u{20000}-\\u{3ffff}"
const LETTER = `(?![${SPACELESS}])[\\p{L}\\p{N}\\p{M}_]`
const JOINED_BEFORE = new RegExp(`${LETTER}[-.@]?$`, "u") // these signs join the words on both sides
const ENDS_IN_LETTER = new RegExp(`${LETTER}$`, "u")
const JOINED_AFTER = new RegExp(`^[-.@]?${LETTER}`, "u")
const HOST = "(?<![a-z0-9-])(?<![a-z0-9-]\\.)[a-z0-9-]+(?:\\.[a-z0-9-]+)+" // from its beginning only, so that a long host is read once
const ADDRESS = new RegExp(`(?:https?://|${HOST}/)[^${STOPS}]*`, "giu")

// Return whether a text names an alias as a separate word, in upper or lower case; an address in the text names nobody.
export function names(text, alias) {
	const name = folded(alias)
	let said = folded(text)
	if (!name || !said.includes(name)) return false
	if (said.includes("/")) said = said.replace(ADDRESS, " ")
	for (let at = said.indexOf(name); at >= 0; at = said.indexOf(name, at + 1)) {
		const [before, after] = outside(said.slice(0, at), said.slice(at + name.length))
		if (!(joins(before, name) || joins(name, after))) return true
	}
	return false
}

// Return whether "@" and an alias stand in a text, and not within a word, as in an address.
export function mentions(text, alias) {
	if (!alias || !text.includes("@")) return false
	const [said, name] = [folded(text), `@${folded(alias)}`]
	for (let at = said.indexOf(name); at >= 0; at = said.indexOf(name, at + 1))
		if (!ENDS_IN_LETTER.test(said.slice(0, at).slice(-2)) && !joins(name, said.slice(at + name.length))) return true
	return false
}

const folded = (text) => text.toLowerCase().replaceAll("\u00df", "ss").replaceAll("\u03c2", "\u03c3").normalize("NFC")

// _alias_ is emphasis, and alias_ is another name.
const outside = (before, after) =>
	before.endsWith("_") && after.startsWith("_")
		? [before.replace(/_+$/, ""), after.replace(/^_+/, "")]
		: [before, after]

function joins(before, after) {
	if (/^\p{M}/u.test(after)) return true
	const areTwoSigns = /[-.@]$/.test(before) && /^[-.@]/.test(after)
	return !areTwoSigns && JOINED_BEFORE.test(before.slice(-3)) && JOINED_AFTER.test(after)
}
