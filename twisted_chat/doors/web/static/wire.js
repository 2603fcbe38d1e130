// One WebSocket after the other: notices a dead one, and opens the next after growing pauses. If none can be opened, it finds out
// why; where only WebSockets are blocked, it goes on over plain HTTP.

const FIRST_PAUSE = 500 // milliseconds; doubled each time ...
const LONGEST_PAUSE = 12000 // ... up to this, give or take a quarter, so that clients do not reconnect all at once
const OPENING = 10000 // for a connection to be made
const SILENCE = 25000 // before a ping
const ANSWER = 8000 // for the answer to the ping
const SPEAKS_WEBSOCKET = 426 // the server's status for a plain request, if only WebSockets are blocked

export class Wire {
	#socket = null
	#isWanted = false
	#tries = 0
	#timer = 0 // of the next try
	#check = 0 // of the silence
	#heardAt = 0

	// opened(), heard(object), lost(milliseconds until the next try, why if that is known), trying()
	constructor(url, ears) {
		this.url = url
		this.ears = ears
		addEventListener("online", () => this.wake())
		addEventListener("offline", () => this.#ask())
		document.addEventListener("visibilitychange", () => document.hidden || this.wake())
	}

	// Connect, and stay connected.
	open() {
		this.#isWanted = true
		this.#tries = 0
		this.retry()
	}

	// Disconnect, and stay disconnected.
	close() {
		this.#isWanted = false
		clearTimeout(this.#timer)
		this.#drop()
	}

	// Make a new connection at once.
	retry() {
		clearTimeout(this.#timer)
		this.#drop()
		this.#open()
	}

	// Called when the server has accepted hello: the next pause is short again.
	isGood() {
		this.#tries = 0
	}

	// Called when the network or the reader is back: check the connection.
	wake() {
		if (!this.#isWanted) return
		if (!this.#socket) this.retry()
		else if (Date.now() - this.#heardAt > ANSWER) this.#ask()
	}

	send(object) {
		if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(object))
	}

	#open(connect = (url) => new WebSocket(url), isLast = false) {
		this.ears.trying()
		const socket = connect(this.url)
		this.#socket = socket
		const isIt = () => socket === this.#socket // a dropped socket is ignored
		let isOpen = false
		const over = () => isIt() && (isOpen || isLast ? this.#lost() : this.#blocked(() => isIt() && !isOpen))
		socket.onopen = () => isIt() && this.#opened((isOpen = true))
		socket.onmessage = ({data}) => isIt() && this.#heard(data, isIt)
		socket.onclose = over
		this.#later(OPENING, over)
	}

	// Find out why no WebSocket could be opened, since the browser does not report it.
	async #blocked(isWaiting) {
		clearTimeout(this.#check)
		const url = new URL(this.url.replace(/^ws/, "http"))
		const asked = {cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(ANSWER)}
		const answer = await fetch(url, asked).catch(() => null)
		const part = answer && (await import("./posts.js").catch(() => null)) // without a server it would not load
		if (!isWaiting()) return
		if (answer?.status !== SPEAKS_WEBSOCKET || !part) return this.#lost(part && (await part.reason(answer)))
		this.#drop()
		this.#open(() => new part.Posts(new URL("talk", url)), true)
	}

	#opened() {
		this.#listen()
		this.ears.opened()
	}

	#heard(data, isIt) {
		this.#listen()
		for (const line of data.split("\n")) if (line && isIt()) this.ears.heard(JSON.parse(line))
	}

	#lost(why = "") {
		this.#drop()
		if (!this.#isWanted) return
		const pause = Math.min(FIRST_PAUSE * 2 ** this.#tries, LONGEST_PAUSE) * (0.75 + Math.random() / 2)
		this.#tries += 1
		this.#timer = setTimeout(() => this.#open(), pause)
		this.ears.lost(pause, why)
	}

	#drop() {
		clearTimeout(this.#check)
		const socket = this.#socket
		this.#socket = null
		socket?.close()
	}

	// A connection can be dead without having ended, after a laptop's sleep for example.
	#listen() {
		this.#heardAt = Date.now()
		this.#later(SILENCE, () => this.#ask())
	}

	#ask() {
		if (!this.#socket) return
		this.send({do: "ping", id: "are-you-there"})
		this.#later(ANSWER, () => this.#lost())
	}

	#later(pause, act) {
		clearTimeout(this.#check)
		this.#check = setTimeout(act, pause)
	}
}
