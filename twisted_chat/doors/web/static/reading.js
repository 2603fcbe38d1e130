// A member's marks on their way to the server: what was shown here is read on all devices.

const PAUSE = 1000 // milliseconds between two requests for one room

export class Reading {
	#wanted = new Map() // by room: the number to send
	#resting = new Set() // rooms whose last request was just sent

	constructor(session) {
		this.session = session
	}

	// Called when the reader has seen a room up to a number; "@" stands for the private lines.
	move(room, number) {
		this.#wanted.set(room, number)
		if (!this.#resting.has(room)) this.#send(room)
	}

	// Send at once what waits; called before the page or the session ends.
	flush() {
		for (const room of [...this.#wanted.keys()]) this.#send(room)
	}

	#send(room) {
		this.#resting.delete(room)
		const number = this.#wanted.get(room)
		if (number === undefined) return
		this.#wanted.delete(room)
		this.#resting.add(room)
		setTimeout(() => this.#send(room), PAUSE)
		this.session.ask("read", {room, number}).catch(() => {}) // refused: the room was left meanwhile
	}
}
