// The open tabs of one browser: each tells the others, when they ask, under which token it is in the chat.

const ANSWER = 200 // milliseconds that the others have

export class Tabs {
	#channel
	#found = new Set()

	// own(): this tab's token, if it is in the chat
	constructor(own) {
		if (!window.BroadcastChannel) return
		this.#channel = new BroadcastChannel("twisted_chat")
		this.#channel.onmessage = ({data}) => {
			if (data.token) this.#found.add(data.token)
			else if (own()) this.#channel.postMessage({token: own()})
		}
	}

	// Whether another tab is in the chat under a token.
	async has(token) {
		if (!token || !this.#channel) return false
		this.#found.clear()
		this.#channel.postMessage({})
		await new Promise((resolve) => setTimeout(resolve, ANSWER))
		return this.#found.has(token)
	}
}
