// The open tabs of one browser: each sends the others the token of its session, when it opens and when they ask.

const SOON = 200 // milliseconds to wait for the answer of an unknown tab ...
const LATE = 5000 // ... and of a tab that was there a moment ago: in the background it can be slow

export class Tabs {
	#channel
	#known = new Set() // tokens
	#asked = new Set() // {token, resolve}

	// own(): this tab's token, if it is in the chat
	constructor(own) {
		if (!window.BroadcastChannel) return
		const tell = () => own() && this.#channel.postMessage({token: own()})
		this.#channel = new BroadcastChannel("twisted_chat")
		this.#channel.onmessage = ({data}) => (data.token ? this.#heard(data.token) : tell())
		tell()
	}

	#heard(token) {
		this.#known.add(token)
		for (const asked of this.#asked) if (asked.token === token) asked.resolve(true)
	}

	// Return whether another tab is in the chat under a token. isPatient: nobody waits for the answer.
	async has(token, isPatient) {
		if (!token || !this.#channel) return false
		const wait = isPatient || this.#known.has(token) ? LATE : SOON
		const asked = {token}
		const answer = new Promise((resolve) => (asked.resolve = resolve))
		setTimeout(asked.resolve, wait, false)
		this.#asked.add(asked)
		this.#channel.postMessage({})
		const is = await answer
		this.#asked.delete(asked)
		if (!is) this.#known.delete(token)
		return is
	}
}
