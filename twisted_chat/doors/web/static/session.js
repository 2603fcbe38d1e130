// A session over any number of connections: hello, pending requests, and the resume after a cut.
//
// The law: typed text is kept until the server answers it, and sent again under the same id after each cut.

import {token} from "./keep.js"
import {isSame} from "./people.js"
import {Wire} from "./wire.js"

const HELLO = 15000 // milliseconds for the answer to hello
const AGAIN = 2000 // milliseconds before a request whose outcome is unknown is sent again
const MAX_PENDING = 500 // requests
const ASKED_ONCE = new Set(["who", "rooms", "commands", "history", "search", "ping", "unread"]) // by the page itself, for its lists
const POSTS = new Set(["say", "tell", "broadcast"])
const NO_PROGRAM = "a person reads here: no program answers"

export class Session {
	#wire
	#ears
	#hello = null // {id, asked, before: messages that came before its answer}
	#pending = new Map() // by id: {fields, inRoom, resolve, reject}
	#made = 0
	#name = token(6) // so that ids from before a reload are not used again
	#timer = 0
	#lastWords = "" // the server's last notice, if it explains why the connection ends

	// ears: status(name, milliseconds, why) entered(isFirst) heard(event, log) noticed(message) marked() leaving() left()
	// refused(why, error code): hello, or the session itself, if what it came by is not valid any more
	constructor(url, rooms, ears) {
		this.rooms = rooms
		this.#ears = ears
		this.token = token()
		this.alias = ""
		this.current = "" // the server's current room of this session, for commands
		this.isIn = false
		this.wasIn = false
		this.isMember = false // the alias is the person's own, in this browser
		this.role = "" // of a member, once they are in
		this.maxLine = 4096 // bytes
		this.grace = 15 // seconds in which the session may resume
		this.#wire = new Wire(url, {
			opened: () => this.#sayHello(),
			heard: (message) => this.#take(message),
			lost: (pause, why) => this.#lost(pause, why),
			trying: () => ears.status("trying")
		})
	}

	// Enter or resume under an alias. secret: a code, where the browser can have no cookie.
	enter(alias, secret) {
		this.alias = alias
		this.secret = secret
		this.#wire.open()
	}

	retry() {
		this.#wire.retry()
	}

	// Ask for a member's marks and counts again.
	count() {
		this.ask("unread").then(this.#ears.marked, () => {})
	}

	// Leave for good: the next session is a new one.
	async quit(text) {
		this.#ears.leaving()
		if (this.isIn) await this.ask("quit", text ? {text} : {}).catch(() => {})
		this.#leave()
	}

	#leave() {
		this.forget()
		this.#ears.left()
	}

	// Start over with the next hello.
	forget() {
		this.#end()
		this.#pending.clear()
		this.token = token()
		this.wasIn = false
	}

	#end() {
		this.isIn = false
		this.#hello = null
		clearTimeout(this.#timer)
		this.#wire.close()
	}

	// -- requests

	get hasRoom() {
		return this.#pending.size < MAX_PENDING
	}

	// Return a promise of the answer to a request: its result, or the event of a post.
	ask(name, fields = {}, id = this.newId(), inRoom = "") {
		const request = {fields: {do: name, id, ...fields}, inRoom}
		this.#pending.set(id, request)
		if (this.isIn) this.#send(request)
		return new Promise((resolve, reject) => Object.assign(request, {resolve, reject}))
	}

	#send({fields, inRoom}) {
		if (inRoom) this.#wire.send({do: "join", id: this.newId(), room: inRoom}) // for a command that is meant for this room
		this.#wire.send(fields)
	}

	// Send a request whose outcome is unknown again, as after a cut: under the same id it is done once.
	#askAgain(id) {
		const request = this.#pending.get(id)
		if (request && this.isIn) this.#send(request)
	}

	newId() {
		this.#made += 1
		return `${this.#name}.${this.#made}`
	}

	#done(id, act) {
		const request = this.#pending.get(id)
		this.#pending.delete(id)
		if (request) act(request)
		return Boolean(request)
	}

	// -- entering

	#sayHello() {
		const {rooms} = this
		const after = this.wasIn ? rooms.after() : Object.create(null)
		if (rooms.alias && !rooms.isMe(this.alias)) delete after["@"] // another alias has another log
		const names = this.wasIn ? rooms.of("room").map((log) => log.key) : ["lobby"]
		const hello = {do: "hello", id: this.newId(), version: 1, alias: this.alias, token: this.token, rooms: names}
		if (this.isMember && !this.wasIn) delete hello.rooms // the server knows them
		if (this.secret) hello.secret = this.secret
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
			this.#hello.before.push(message) // our own entry: the answer gives the numbers
		else if (message.error) this.#hear(message)
	}

	#answeredHello(message) {
		const {after, before} = this.#hello
		this.#hello = null
		clearTimeout(this.#timer)
		if (message.error) {
			this.secret = undefined
			this.#end()
			this.#ears.refused(message.text, message.error)
			return
		}
		const isFirst = !this.wasIn
		const {alias, current, max_line: maxLine, grace, role = ""} = message
		Object.assign(this, {alias, current, maxLine, grace, role, isIn: true, wasIn: true, secret: undefined})
		this.#lastWords = ""
		this.#wire.isGood()
		this.rooms.begin(message, after)
		for (const request of this.#pending.values()) this.#send(request)
		this.#ears.entered(isFirst)
		before.forEach((earlier) => this.#hear(earlier))
	}

	#lost(pause, why) {
		this.isIn = false
		this.#hello = null
		clearTimeout(this.#timer)
		for (const [id, {fields}] of [...this.#pending]) {
			if (ASKED_ONCE.has(fields.do)) this.#done(id, ({reject}) => reject(new Error("no connection")))
		}
		this.#ears.status("waiting", pause, why || this.#lastWords)
	}

	// -- messages

	#hear(message) {
		if (message.kind === "read") this.rooms.marked(message) ? this.#ears.marked() : this.count()
		else if (message.kind === "noticed" || message.again) this.#ears.noticed(message)
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
		const request = this.#pending.get(event.id)
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
		} else if (message.error === "credential_revoked" && !message.id) {
			this.#end()
			this.#ears.refused(message.text, message.error)
		} else if (message.error === "unknown" && this.#pending.has(message.id)) {
			setTimeout(() => this.#askAgain(message.id), AGAIN)
		} else if (!this.#done(message.id, ({reject}) => reject(failed(message)))) {
			this.#ears.noticed({text: message.text, isRefusal: true})
		}
	}

	#answered(message) {
		if (message.result === "join") this.rooms.setTopic((this.current = message.room), message.topic, true)
		if (message.result === "type") this.current = message.current
		if (message.result === "unread") this.rooms.setCounts(message)
		if (message.result === "register") this.count((this.rooms.isInboxWhole = true))
		if (message.alias) {
			this.rooms.take(message.alias, message.private)
			this.alias = message.alias
		}
		if (message.repeated) this.#repeated(message)
		this.#done(message.id, ({resolve}) => resolve(message))
		if (message.left) this.#leave()
	}

	// Rebuild a private post from before a cut: no event brings it, while a post to a room comes with the missed events.
	#repeated({id, room, number}) {
		const to = room.slice(1)
		const asked = this.#pending.get(id)?.fields
		if (!asked || !room.startsWith("@") || this.rooms.isMe(to)) return
		const said = {kind: "said", room, time: Date.now() / 1000, author: this.alias, client: this.rooms.client, id}
		const lines = asked.lines?.map((text, index) => ({text, number: number + index, block: index + 1}))
		const line = {text: asked.do === "tell" ? asked.text : withoutAddress(asked.text, to), number}
		for (const rest of lines ?? [line]) this.#happened({...said, ...rest})
	}
}

const failed = ({text, error}) => Object.assign(new Error(text), {code: error})

function withoutAddress(typed, alias) {
	const [, first, rest] = typed.match(/^\S+\s+(\S+)\s*(.*)/)
	return isSame(first, alias) ? rest : `${first} ${rest}`
}
