// What outlives a reload: the session in this tab, the alias in this browser. Without storage the page works all the same.

const SESSION = "twisted_chat.session"
const ALIAS = "twisted_chat.alias"
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

// crypto.randomUUID is not there on plain http, but for the machine itself.
export function token(bytes = BYTES) {
	const random = crypto.getRandomValues(new Uint8Array(bytes))
	return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
