// The places of searched words in a text, by the server's rules for words (twisted_chat/journals/tokenizer.py). Pure.

// Scripts without spaces between words: each character is a word of its own.
const UNSPACED =
	/[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{1b000}-\u{1b16f}\u{20000}-\u{3ffff}]/u
const LETTER = /[\p{L}\p{N}\p{M}\p{Co}]/u
const ACCENTS = /(?<![\u0400-\u052f])[\u0300-\u036f]+/gu // except those that make another Cyrillic letter

const folded = (word) =>
	word
		.toLowerCase()
		.replaceAll("\u00df", "ss")
		.normalize("NFKD")
		.replace(ACCENTS, "")
		.normalize("NFC")
		.replaceAll("\u03c2", "\u03c3")

// Return [{word, start, end}].
function wordsIn(text) {
	const words = []
	let at = 0
	let isOpen = false
	for (const character of text) {
		const end = at + character.length
		const isAlone = UNSPACED.test(character)
		if (!LETTER.test(character)) isOpen = false
		else if (isOpen && !isAlone) Object.assign(words.at(-1), {word: words.at(-1).word + character, end})
		else words.push({word: character, start: at, end})
		if (LETTER.test(character)) isOpen = !isAlone
		at = end
	}
	return words.map((one) => ({...one, word: folded(one.word)}))
}

// Return a function that returns the places of the words in a text, [[start, end]] in order, or null if a word is missing.
export function finder(sought) {
	const phrases = sought
		.split(/\s+/)
		.map((part) => wordsIn(part).map(({word}) => word))
		.filter((phrase) => phrase.length)
	if (!phrases.length && sought.trim()) return () => null // signs alone are not words
	return (text) => {
		const words = wordsIn(text)
		const found = phrases.map((phrase) => places(words, phrase))
		return found.every((one) => one.length) ? found.flat().sort((one, other) => one[0] - other[0]) : null
	}
}

function places(words, phrase) {
	const isHere = (at) => phrase.every((word, index) => words[at + index]?.word === word)
	return [...words.keys()].filter(isHere).map((at) => [words[at].start, words[at + phrase.length - 1].end])
}
