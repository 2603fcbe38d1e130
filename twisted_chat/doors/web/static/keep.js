// Storage over a reload: the session in this tab; in this browser the alias and, while the server keeps a grace period,
// the proof of who the person is. Without storage the page still works.

import {isSame} from "./people.js"

const SESSION = "twisted_chat.session"
const ALIAS = "twisted_chat.alias"
const PROOFS = "twisted_chat.proofs"
const HINT = "twisted_chat.hint"
const BYTES = 24 // of a token

const tried = (act) => {
	try {
		return act()
	} catch {
		return undefined // switched off, or full
	}
}

// A second tab is another person; a duplicated tab is the same person, and the server says so.
export const session = () => tried(() => JSON.parse(sessionStorage.getItem(SESSION))) ?? {}

export function keepSession(state) {
	tried(() => sessionStorage.setItem(SESSION, JSON.stringify(state)))
}

export const lastAlias = () => tried(() => localStorage.getItem(ALIAS)) ?? ""

export const keepAlias = (alias) => tried(() => localStorage.setItem(ALIAS, alias))

const proofs = () => tried(() => JSON.parse(localStorage.getItem(PROOFS)).filter(({until}) => until > Date.now())) ?? []

function keepProofs(alias, more) {
	tried(() =>
		localStorage.setItem(PROOFS, JSON.stringify([...proofs().filter((other) => !isSame(other.alias, alias)), ...more]))
	)
}

// Keep the proof of who the person is for some seconds, even after this tab is closed.
export const keepProof = (alias, token, seconds) =>
	keepProofs(alias, [{alias, token, until: Date.now() + 1000 * seconds}])

export const dropProof = (alias) => keepProofs(alias, [])

// The token of the person who has or had an alias, in any tab of this browser.
export const proof = (alias) => proofs().find((kept) => isSame(kept.alias, alias))?.token

// The alias of the member that this browser is logged in as; the cookie itself is out of reach of scripts.
export const member = () => read("member") ?? ""

export const keepMember = (alias) => write("member", alias)

// Whether the hint for newcomers was never closed in this browser.
export const isNewcomer = () => tried(() => localStorage.getItem(HINT) === null) ?? false

export const keepHintClosed = () => tried(() => localStorage.setItem(HINT, "closed"))

// Whether private conversations are kept in this browser, by private.js.
export const hasPrivate = () => tried(() => localStorage.getItem("twisted_chat.private") !== null) ?? false

// Anything else in this browser.
export const read = (name) => tried(() => JSON.parse(localStorage.getItem(`twisted_chat.${name}`)))

export const write = (name, value) => tried(() => localStorage.setItem(`twisted_chat.${name}`, JSON.stringify(value)))

// crypto.randomUUID does not exist on plain http, except on the machine itself.
export function token(bytes = BYTES) {
	const random = crypto.getRandomValues(new Uint8Array(bytes))
	return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
