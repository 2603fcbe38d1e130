// One's stay in the chat over any number of connections: hello, what is under way, and the way back after a cut.
//
// The law: what was typed is kept until the server answers it, and sent again under the same id after each cut.

import {token} from "./keep.js"
import {isSame} from "./people.js"
import {Wire} from "./wire.js"

const HELLO = 15000 // milliseconds for the answer to hello
const AGAIN = 2000 // milliseconds until what nobody knows of is asked again
const MOST = 500 // requests under way
const ASKED_ONCE = new Set(["who", "rooms", "commands", "history", "search", "ping"]) // by the page, for what it shows
const POSTS = new Set(["say", "tell", "broadcast"])
const NO_PROGRAM = "a person reads here: no program answers"

export class Session {
	#wire
	#ears
	#hello = null // {id, asked, before: messages that came before its answer}
	#underWay = new Map() // by id: {fields, inRoom, resolve, reject}
	#made = 0
	#name = token(6) // so that no id of this page is one of the page before a reload
	#timer = 0
	#lastWords = "" // the server's, if they explain why it hangs up

	// ears: status(name, milliseconds, why) entered(isFirst) refused(why) heard(event, log) noticed(message) left()
	constructor(url, rooms, ears) {
		this.rooms = rooms
		this.#ears = ears
		this.token = token()
		this.alias = ""
		this.current = "" // the room that the server takes commands for
		this.isIn = false
		this.wasIn = false
		this.maxLine = 4096 // bytes
		this.grace = 15 // seconds that the server waits for one to come back
		this.#wire = new Wire(url, {
			opened: () => this.#sayHello(),
			heard: (message) => this.#take(message),
			lost: (pause, why) => this.#lost(pause, why),
			trying: () => ears.status("trying")
		})
	}

	// Come in, or come back, under an alias.
	enter(alias) {
		this.alias = alias
		this.#wire.open()
	}

	retry() {
		this.#wire.retry()
	}

	// Leave for good: the next time one is somebody new.
	async quit(text) {
		if (this.isIn) await this.ask("quit", text ? {text} : {}).catch(() => {})
		this.#leave()
	}

	#leave() {
		this.#end()
		this.#underWay.clear()
		this.token = token()
		this.wasIn = false
		this.#ears.left()
	}

	#end() {
		this.isIn = false
		this.#hello = null
		clearTimeout(this.#timer)
		this.#wire.close()
	}

	// -- asking

	get hasRoom() {
		return this.#underWay.size < MOST
	}

	// Return a promise of what answers a request: a result, or the event that a post became.
	ask(name, fields = {}, id = this.newId(), inRoom = "") {
		const request = {fields: {do: name, id, ...fields}, inRoom}
		this.#underWay.set(id, request)
		if (this.isIn) this.#send(request)
		return new Promise((resolve, reject) => Object.assign(request, {resolve, reject}))
	}

	#send({fields, inRoom}) {
		if (inRoom) this.#wire.send({do: "join", id: this.newId(), room: inRoom}) // for a command, which means this one
		this.#wire.send(fields)
	}

	// Ask again, as after a cut, for what nobody knows of: under the same id it is done once.
	#askAgain(id) {
		const request = this.#underWay.get(id)
		if (request && this.isIn) this.#send(request)
	}

	newId() {
		this.#made += 1
		return `${this.#name}.${this.#made}`
	}

	#done(id, act) {
		const request = this.#underWay.get(id)
		this.#underWay.delete(id)
		if (request) act(request)
		return Boolean(request)
	}

	// -- coming in

	#sayHello() {
		const {rooms} = this
		const after = this.wasIn ? rooms.after() : Object.create(null)
		if (rooms.alias && !rooms.isMe(this.alias)) delete after["@"] // it is the log of another name
		const names = this.wasIn ? rooms.of("room").map((log) => log.key) : ["lobby"]
		const hello = {do: "hello", id: this.newId(), version: 1, alias: this.alias, token: this.token, rooms: names}
		if (Object.keys(after).length) Object.assign(hello, {after, journal: rooms.journal})
		this.#hello = {id: hello.id, after, before: []}
		this.#wire.send(hello)
		clearTimeout(this.#timer)
		this.#timer = setTimeout(() => this.#wire.retry(), HELLO)
	}

	#take(message) {
		if (message.kind === "noticed" && (!this.isIn || message.ends)) this.#lastWords = message.text
		if (!this.#hello) this.#hear(message)
		else if (message.id === this.#hello.id && !message.kind) this.#answeredHello(message)
		else if (message.kind === "noticed" && !message.id)
			this.#ears.status("waiting", HELLO, message.text) // why there is no answer yet
		else if (message.kind)
			this.#hello.before.push(message) // one's own coming in: the answer tells how to count it
		else if (message.error) this.#hear(message)
	}

	#answeredHello(message) {
		const {after, before} = this.#hello
		this.#hello = null
		clearTimeout(this.#timer)
		if (message.error) {
			this.#end()
			this.#ears.refused(message.text)
			return
		}
		const isFirst = !this.wasIn
		const {alias, current, max_line: maxLine, grace} = message
		Object.assign(this, {alias, current, maxLine, grace, isIn: true, wasIn: true})
		this.#lastWords = ""
		this.#wire.isGood()
		this.rooms.begin(message, after)
		for (const request of this.#underWay.values()) this.#send(request)
		this.#ears.entered(isFirst)
		before.forEach((one) => this.#hear(one))
	}

	#lost(pause, why) {
		this.isIn = false
		this.#hello = null
		clearTimeout(this.#timer)
		for (const [id, {fields}] of [...this.#underWay]) {
			if (ASKED_ONCE.has(fields.do)) this.#done(id, ({reject}) => reject(new Error("no connection")))
		}
		this.#ears.status("waiting", pause, why || this.#lastWords)
	}

	// -- hearing

	#hear(message) {
		if (message.kind === "noticed" || message.again) this.#ears.noticed(message)
		else if (message.kind === "skipped") this.#skipped(message)
		else if (message.kind === "called")
			this.ask("answer", {call: message.call, text: NO_PROGRAM, failed: true}).catch(() => {})
		else if (message.number && message.kind) this.#happened(message)
		else if (message.error) this.#refused(message)
		else if (message.result) this.#answered(message)
	}

	#happened(event) {
		const {log, isNews} = this.rooms.hear(event)
		this.alias = this.rooms.alias
		if (event.client === this.rooms.client) this.#became(event)
		if (isNews) this.#ears.heard(event, log)
	}

	#became(event) {
		const request = this.#underWay.get(event.id)
		if (request && POSTS.has(request.fields.do)) this.#done(event.id, ({resolve}) => resolve(event))
		if (event.kind === "joined") this.current = event.room
	}

	#skipped(message) {
		const log = this.rooms.skip(message)
		if (log) this.#ears.heard(message, log)
	}

	#refused(message) {
		if (message.error === "taken_over") {
			this.#end()
			this.#ears.status("elsewhere")
		} else if (message.error === "unknown" && this.#underWay.has(message.id)) {
			setTimeout(() => this.#askAgain(message.id), AGAIN)
		} else if (!this.#done(message.id, ({reject}) => reject(new Error(message.text)))) {
			this.#ears.noticed({text: message.text, isRefusal: true})
		}
	}

	#answered(message) {
		if (message.result === "join") this.rooms.learnTopic((this.current = message.room), message.topic, true)
		if (message.result === "type") this.current = message.current
		if (message.alias) {
			this.rooms.take(message.alias, message.private)
			this.alias = message.alias
		}
		if (message.repeated) this.#repeated(message)
		this.#done(message.id, ({resolve}) => resolve(message))
		if (message.left) this.#leave()
	}

	// What one said to another before a cut comes from nowhere else; what was said in a room comes with all that was missed.
	#repeated({id, room, number}) {
		const to = room.slice(1)
		const asked = this.#underWay.get(id)?.fields
		if (!asked || !room.startsWith("@") || this.rooms.isMe(to)) return
		const said = {kind: "said", room, time: Date.now() / 1000, author: this.alias, client: this.rooms.client, id}
		const lines = asked.lines?.map((text, place) => ({text, number: number + place, block: place + 1}))
		const line = {text: asked.do === "tell" ? asked.text : withoutAddress(asked.text, to), number}
		for (const one of lines ?? [line]) this.#happened({...said, ...one})
	}
}

function withoutAddress(typed, alias) {
	const [, first, rest] = typed.match(/^\S+\s+(\S+)\s*(.*)/)
	return isSame(first, alias) ? rest : `${first} ${rest}`
}
