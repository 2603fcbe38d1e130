// Typed text: a post that waits for its acknowledgement, or a command for the server.

import {postsOf, refusalOf, typedOf} from "./block.js"
import {commandOf} from "./complete.js"

// A command with a password, or one after which a password is typed: see is_command in secrets.py.
const HAS_SECRET = /^\s+\/(login|register|password|pass|identify|oper|ns|nickserv|(msg|query|m|q)\s+\w*serv)(\s|$)/i
const LATE = 600 // milliseconds after which an unanswered command is shown

export class Talk {
	#made = 0
	#typed = new Map() // by the id of a command: the key of the log in which it was typed

	// changed(log); giveBack(log, text): whether it was taken; open(key)
	// askSecret(name of a command, the typed line, send(secret): a promise)
	constructor(session, rooms, {changed, giveBack, open, askSecret}) {
		Object.assign(this, {session, rooms, changed, giveBack, open, askSecret, commands: []})
	}

	// Send a text that was typed in a log; return whether it was taken. Only a single line can be a command.
	send(log, typed) {
		const isOneLine = !/[\r\n]/.test(typed)
		if (isOneLine && HAS_SECRET.test(typed)) typed = typed.trimStart() // a space too much says no password
		const isCommand = isOneLine && /^\/(?!\/)/.test(typed)
		const posts = isOneLine ? [{text: typed.replace(/^\/\//, "/")}] : postsOf(typed)
		const why = isCommand ? undefined : posts.map((post) => refusalOf(post, this.session.maxLine)).find(Boolean)
		if (why) return this.#refuse(log, why)
		if (!this.session.hasRoom) return this.#refuse(log, "too many lines wait to be sent")
		log.unsent = log.unsent.filter((item) => !item.isGivenBack)
		if (isCommand) this.#command(log, typed)
		else for (const post of posts) this.#post(log, post)
		this.changed(log)
		return true
	}

	#refuse(log, words) {
		this.notice(log, {text: words, isRefusal: true})
		return false
	}

	// -- posts

	// post: {text} or {lines}, and {act} with a text.
	#post(log, post) {
		const name = {room: "say", person: "tell", everyone: "broadcast"}[log.kind]
		const to = {room: {room: log.key}, person: {to: log.label}, everyone: {}}[log.kind]
		const text = post.text ?? post.lines.join("\n")
		this.#await(log, name, {...to, ...post}, {kind: post.act ? "acted" : "said", text, ...(post.lines && {block: 1})})
	}

	// Send the request for a typed text, and show the text until the answer.
	#await(log, name, fields, {id = this.session.newId(), ...shown}) {
		const item = {
			key: `u${++this.#made}`,
			author: this.rooms.alias,
			time: Date.now() / 1000,
			isOwn: true,
			state: "sending",
			...shown
		}
		if (log.kind === "person") item.room = `@${log.label}`
		item.asked = {name, fields, id}
		if (shown.typed) setTimeout(() => item.state === "sending" && this.#show(log, item), LATE)
		else log.unsent.push(item)
		const answer =
			this.#refusal(fields) ?? this.session.ask(name, fields, id, shown.typed && log.kind === "room" ? log.key : "")
		return answer.then(
			(result) => this.#acknowledged(log, item, result),
			(refused) => this.#refused(log, item, refused)
		)
	}

	// Refuse a line that is too long here: the server would not know its id.
	#refusal(fields) {
		const why = refusalOf(fields, this.session.maxLine)
		return why && Promise.reject(new Error(why))
	}

	#show(log, item) {
		if (!log.unsent.includes(item)) log.unsent.push(item)
		this.changed(log)
	}

	#acknowledged(log, item, result) {
		item.state = "said"
		log.unsent = log.unsent.filter((other) => other !== item)
		this.changed(log)
		return result
	}

	#refused(log, item, {message, code}) {
		if (code === "secret_asked") return this.#askSecret(log, item)
		Object.assign(item, {state: "refused", why: message, isGivenBack: this.giveBack(log, typedAgain(item))})
		this.#show(log, item)
	}

	// Put a refused line back into the input row.
	edit(log, key) {
		const item = log.unsent.find((one) => one.key === key)
		if (item && this.giveBack(log, typedAgain(item))) this.forget(log, key)
	}

	forget(log, key) {
		log.unsent = log.unsent.filter((other) => other.key !== key)
		this.changed(log)
	}

	// -- over a reload

	keep(log) {
		return log.unsent
			.filter(({state}) => state === "sending")
			.map(({asked, kind, text, typed, time, block}) => ({asked, kind, text, typed, time, block}))
	}

	sendAgain(log, kept) {
		for (const {asked, ...shown} of kept) this.#await(log, asked.name, asked.fields, {...shown, id: asked.id})
	}

	// -- commands

	#command(log, typed) {
		const found = commandOf(typed, this.commands)
		const rest = typed.replace(/^\S+\s?/, "")
		if (found?.ends) this.session.quit(rest)
		else if (found?.name === "say" && rest.trim()) this.#post(log, {text: rest})
		else if (found?.name === "me" && rest.trim() && log.kind === "room")
			this.#post(log, {text: rest.trimStart(), act: true})
		else if (log.kind !== "room" && found?.acts_on_room)
			this.#refuse(log, `/${found.name} is for a room: open one first`)
		else this.#type(log, typed, found?.name)
	}

	async #type(log, text, name) {
		const id = this.session.newId()
		this.#typed.set(id, log.key)
		const result = await this.#await(log, "type", {text}, {id, kind: "said", text, typed: text})
		this.#done(log, id, name, result)
	}

	#done(log, id, name, result) {
		this.#typed.delete(id)
		const isElsewhere = log.kind === "room" ? result?.current !== log.key : name === "join"
		if (result?.current && isElsewhere) this.open(result.current)
	}

	// Have the reader give the secret that a command asks for, and send both; a secret is kept nowhere.
	#askSecret(log, item) {
		const {typed} = item
		this.#acknowledged(log, item)
		const name = commandOf(typed, this.commands)?.name
		this.askSecret(name, typed, async (secret) => {
			const id = this.session.newId()
			this.#typed.set(id, log.key)
			const room = log.kind === "room" ? log.key : ""
			this.#done(log, id, name, await this.session.ask("type", {text: typed, secret}, id, room))
		})
	}

	// Show a notice of the server, or earlier events, in the log where they were asked for.
	notice(shown, message) {
		const log = this.rooms.get(this.#typed.get(message.id)) ?? shown
		if (!log) return
		const line = message.again ? message : message.text
		const last = log.items.at(-1)
		const {id = message.again, isRefusal = false} = message
		if (last?.kind === "notice" && last.id === id && last.isRefusal === isRefusal) last.lines.push(line)
		else log.push({kind: "notice", id, lines: [line], isRefusal})
		this.changed(log)
	}
}

const typedAgain = ({typed, asked}) => typed ?? typedOf(asked.fields)
