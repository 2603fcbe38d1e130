// A connection where WebSockets are blocked: one endless answer, and posts. To wire.js it is like a WebSocket.

const WORDS = 300 // characters of a refusal that are shown
const MAX_POST = 16000 // characters in one post, each of at most 4 bytes

export class Posts {
	readyState = WebSocket.CONNECTING
	#url
	#end = new AbortController()
	#secret = ""
	#waiting = []
	#isPosting = false

	constructor(url) {
		this.#url = url
		this.#hear().then(
			() => this.#over(),
			() => this.#over()
		)
	}

	send(text) {
		this.#waiting.push(text)
		if (!this.#isPosting) this.#post().catch(() => this.#over())
	}

	close() {
		this.readyState = WebSocket.CLOSED
		this.#end.abort()
	}

	#over() {
		if (this.readyState === WebSocket.CLOSED) return
		this.close()
		this.onclose?.()
	}

	#ask(options) {
		return fetch(this.#url, {method: "POST", signal: this.#end.signal, cache: "no-store", ...options})
	}

	async #hear() {
		const answer = await this.#ask()
		if (!answer.ok) return
		const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
		let rest = ""
		for (;;) {
			const {value, done} = await reader.read()
			if (done) return
			const lines = (rest + value).split("\n")
			rest = lines.pop()
			for (const line of lines) this.#heard(line)
		}
	}

	#heard(line) {
		if (this.readyState === WebSocket.OPEN) {
			this.onmessage({data: line})
		} else if (this.readyState === WebSocket.CONNECTING) {
			this.#secret = JSON.parse(line).talk
			this.readyState = WebSocket.OPEN
			this.onopen()
		}
	}

	// Post the waiting lines in order: one post at a time, with as many lines as it may have.
	async #post() {
		this.#isPosting = true
		while (this.#waiting.length) {
			const lines = [this.#waiting.shift()]
			for (let size = lines[0].length; this.#waiting.length && (size += this.#waiting[0].length + 1) < MAX_POST;)
				lines.push(this.#waiting.shift())
			const answer = await this.#ask({headers: {"Chat-Talk": this.#secret}, body: lines.join("\n")})
			if (!answer.ok) throw new Error(`${answer.status}`)
		}
		this.#isPosting = false
	}
}

// Return the reason of a refusal, in the server's own sentence unless it is a page.
export async function reason(answer) {
	const isText = answer.headers.get("content-type")?.startsWith("text/plain")
	const words = isText && (await answer.text().catch(() => ""))
	return words ? words.trim().slice(0, WORDS) : `refused with ${answer.status} ${answer.statusText}`
}
