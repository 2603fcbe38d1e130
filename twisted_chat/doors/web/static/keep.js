// What outlives a reload: the session in this tab, and in this browser the alias and, for as long as the server waits for one
// to come back, what proves who one is. Without storage the page works all the same.

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

// A second tab is another person; a tab that was duplicated is the same, and the server tells.
export const session = () => tried(() => JSON.parse(sessionStorage.getItem(SESSION))) ?? {}

export function keepSession(state) {
	tried(() => sessionStorage.setItem(SESSION, JSON.stringify(state)))
}

export const lastAlias = () => tried(() => localStorage.getItem(ALIAS)) ?? ""

export const keepAlias = (alias) => tried(() => localStorage.setItem(ALIAS, alias))

const proofs = () => tried(() => JSON.parse(localStorage.getItem(PROOFS)).filter(({until}) => until > Date.now())) ?? []

function keepProofs(alias, more) {
	tried(() =>
		localStorage.setItem(PROOFS, JSON.stringify([...proofs().filter((one) => !isSame(one.alias, alias)), ...more]))
	)
}

// Keep for some seconds what proves that one is who one is, also once this tab is closed.
export const keepProof = (alias, token, seconds) =>
	keepProofs(alias, [{alias, token, until: Date.now() + 1000 * seconds}])

export const dropProof = (alias) => keepProofs(alias, [])

// The token of whoever was or is here under an alias, in any tab of this browser.
export const proof = (alias) => proofs().find((one) => isSame(one.alias, alias))?.token

// Whether nobody has closed the hint for newcomers in this browser.
export const isNewcomer = () => tried(() => localStorage.getItem(HINT) === null) ?? false

export const keepHintClosed = () => tried(() => localStorage.setItem(HINT, "closed"))

// Whether private conversations are kept in this browser, by private.js.
export const hasPrivate = () => tried(() => localStorage.getItem("twisted_chat.private") !== null) ?? false

// Anything else that is of this browser.
export const read = (name) => tried(() => JSON.parse(localStorage.getItem(`twisted_chat.${name}`)))

export const write = (name, value) => tried(() => localStorage.setItem(`twisted_chat.${name}`, JSON.stringify(value)))

// crypto.randomUUID is not there on plain http, but for the machine itself.
export function token(bytes = BYTES) {
	const random = crypto.getRandomValues(new Uint8Array(bytes))
	return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
