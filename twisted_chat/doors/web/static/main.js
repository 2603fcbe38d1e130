// The page: puts the parts together.
//
// pure           rooms.js (the logs, with their numbers) unread.js block.js links.js people.js times.js fold.js rules.js
//                complete.js
// to the server  wire.js (one WebSocket after the other) session.js (hello, ids, the resume) talk.js reading.js keep.js
// on screen      view.js log.js row.js copy.js (the lines) compose.js drafts.js keys.js side.js notify.js dom.js
// when wanted    search.js words.js print.js login.js account.js secret.js
//
// A line's way: compose.js (Enter) -> talk.js: it gets an id, and is shown as unsent -> session.js: it is sent, and again
// after each cut -> wire.js -> the server orders, numbers and keeps it -> wire.js -> session.js -> rooms.js: its number is
// the next -> session.js: it has our client and this id, so it is acknowledged -> talk.js -> view.js, log.js, row.js.

import "./keys.js" // first: it gets each key before all others
import {openPart} from "./drawers.js"
import {Drafts} from "./drafts.js"
import {isSame} from "./people.js"
import {Session} from "./session.js"
import * as keep from "./keep.js"
import {Reading} from "./reading.js"
import {Rooms} from "./rooms.js"
import {Talk} from "./talk.js"
import {View} from "./view.js"

const POLL = 30000 // milliseconds: no event reports who is away, or which rooms there are
const PAGE = 100 // events
const KEPT_ITEMS = 200 // of a conversation, over a reload
const WAIT = 800 // milliseconds before the session is kept
const BLOCK = 50 // milliseconds for the next line of a block: so it appears whole, and does not grow before the reader's eyes

const url = new URL("ws", location.href)
url.protocol = url.protocol === "https:" ? "wss:" : "ws:"
url.hash = url.search = ""

const rooms = new Rooms()
const drafts = new Drafts(() => rooms.alias)
const session = new Session(url.href, rooms, {
	status: (...state) => view.status(...state),
	entered,
	refused,
	heard,
	noticed: (message) => talk.notice(view.log, message),
	marked: () => changed(),
	leaving: () => reading.flush(),
	left
})
const talk = new Talk(session, rooms, {
	changed: () => changed(),
	giveBack: (log, text) => view.giveBack(log, text),
	open: (key) => view.open(key),
	askSecret: (...asked) => openPart(view, "secret", ...asked)
})
const reading = new Reading(session)
rooms.hasRead = (room, number) => reading.move(room, number)
const view = new View(rooms, session, talk, drafts, {enter, join, leave, older, newer, goTo, refresh, whole})
let tabs

let paper // a promise of the part that prints

// -- entering and leaving

// Enter under an alias; as the same person, if the alias was in use in this browser a moment ago.
async function enter(alias, takesOver = false) {
	if (document.getElementById("proof")) return (await import("./login.js")).enter({session, view})
	session.isMember = isSame(keep.member(), alias)
	if (session.isMember) return session.enter(alias) // each tab is a session of the same person
	const proof = keep.proof(alias)
	if (!takesOver && (await isElsewhere(alias))) return
	if (!session.wasIn) session.token = proof ?? keep.token()
	session.enter(alias)
}

// Called when hello was refused, or when the session was ended because what it came by is not valid any more.
async function refused(why, error) {
	if (!/^(secret_needed|wrong_secret|credential_revoked)$/.test(error)) return view.askAlias(session.alias, why)
	const {askSecret} = await import("./login.js")
	askSecret({session, view, forget}, why, error)
}

async function knowTabs() {
	const {Tabs} = await import("./tabs.js")
	return (tabs ??= new Tabs(() => session.wasIn && document.body.dataset.state !== "elsewhere" && session.token))
}

// Return whether another tab is in the chat under an alias; if so, offer another alias, or to go on here.
async function isElsewhere(alias, isPatient) {
	const proof = keep.proof(alias)
	const is =
		!session.wasIn &&
		proof &&
		!isSame(keep.member(), alias) &&
		(await knowTabs().then((known) => known.has(proof, isPatient), ignore))
	if (is && !session.wasIn) view.offer(alias, () => enter(alias, true))
	return is
}

function entered(isFirst) {
	session.isMember = Boolean(session.role)
	keep.keepAlias(session.alias)
	knowTabs().then(keepNow, ignore) // other tabs may ask from now on
	drafts.begin()
	view.entered(isFirst)
	if (isFirst && keep.hasPrivate())
		ofPrivate()
			.then(({restore}) => restore(rooms), ignore)
			.then(() => changed())
	if (session.role && !rooms.isInboxWhole)
		session
			.ask("history", {room: "@", after: rooms.inboxRead, newest: true, limit: PAGE})
			.then(({events}) => rooms.missed(events), ignore)
			.then(() => changed())
	if (isFirst) session.ask("join", {room: session.current}).catch(ignore) // for its topic
	session.ask("commands").then(({commands}) => (talk.commands = commands), ignore)
	refresh()
	changed()
	paper ??= import("./print.js").then(
		({Paper}) =>
			new Paper(
				() => view.log,
				(fields) => session.ask("history", fields)
			),
		() => (paper = undefined) // the next time
	)
}

const ofPrivate = () => import("./private.js")

function left() {
	const [alias, people] = [rooms.alias, rooms.of("person")]
	if (people.length || keep.hasPrivate()) ofPrivate().then((part) => part.keep(alias, people) ?? part.tell(), ignore)
	forget(session.alias)
	view.askAlias(session.alias, "you have left the chat")
}

// Have nothing of the session that is over, on screen or in storage.
function forget(alias) {
	session.forget()
	keep.keepSession({})
	keep.dropProof(alias)
	drafts.clear()
	if (location.hash.startsWith("#@")) history.replaceState(null, "", location.pathname + location.search) // the address names a person
	rooms.logs.forEach((log) => rooms.remove(log.key))
	rooms.everyone.clear()
	rooms.everyone.unsent = []
	Object.assign(rooms, {alias: "", inbox: undefined, inboxRead: 0, isInboxWhole: false})
}

const ignore = () => {}

function join(name) {
	session.ask("join", {room: name}).then(
		({room}) => view.open(room),
		(refused) => talk.notice(view.log, {text: refused.message, isRefusal: true})
	)
}

function leave(key) {
	if (rooms.get(key)?.kind === "room") {
		session.ask("leave", {room: key}).catch(ignore)
	} else {
		rooms.get(key).isClosed = true // until it has something new or is opened: nothing is lost
		view.moved()
		changed()
	}
}

// -- events

function heard(event, log) {
	const item = log?.items.at(-1)
	const isNews = item && item.number === event.number && item.text === event.text
	if (isNews && log.kind !== "room" && log !== view.log && view.log?.kind === "room") view.log.copy(log, item)
	if (isNews && item.isCall && !(item.block > 1) && !rooms.isReading(log)) view.notify?.call(log, item)
	const isMine = rooms.isMe(event.author) && event.client === rooms.client
	if (isMine && event.kind === "joined") refresh()
	if (rooms.isMember && event.kind === "joined" && rooms.isMe(event.author)) session.count() // on whichever device
	if ((isMine && event.kind === "left") || (event.kind === "removed" && rooms.isMe(event.author))) view.moved()
	changed(event.block && BLOCK)
}

// -- requests that nobody typed

function refresh() {
	if (!session.isIn) return
	const take = (act) => (result) => act(result) ?? view.later()
	whole("rooms", {}).then(
		take((result) => view.side.setRooms(rooms, result.rooms)),
		ignore
	)
	if (view.log?.kind === "room")
		whole("who", {room: view.log.key}).then(
			take((result) => rooms.setMembers(result)),
			ignore
		)
}

// Return a promise of the whole answer: a list that is too long for one answer comes in pages.
async function whole(name, fields) {
	const list = name === "who" ? "members" : "rooms"
	const first = await session.ask(name, fields)
	if (!first[list] || first[list].length >= first.count) return first
	const all = {...first, [list]: [], away: {}}
	for (let after = "", page = []; ; after = page.at(-1).room ?? page.at(-1)) {
		const answer = await session.ask(name, {...fields, after})
		page = answer[list] ?? []
		if (!page.length) return all
		all[list].push(...page)
		Object.assign(all.away, answer.away)
	}
}

setInterval(() => {
	if (!document.hidden) refresh()
	keepNow()
}, POLL)

async function older(log) {
	const {first} = log
	const until = (first ?? log.last + 1) - 1
	if (!session.isIn || log.kind !== "room") return
	if (until < 1) log.isComplete = true
	else
		await page(log, {until, limit: PAGE}, ({events, more}) => {
			if (log.first === first || first === undefined) log.addPage(events, {before: true, isWhole: !more})
		})
}

async function newer(log) {
	const {end} = log
	if (session.isIn)
		await page(
			log,
			{after: end, limit: PAGE, newest: false},
			({events}) => log.end === end && log.addPage(events, {before: false})
		)
}

async function page(log, fields, take) {
	const regarded = (result) => take({...result, events: result.events.map((event) => rooms.regard(event))})
	await session.ask("history", {room: log.key, ...fields}).then(regarded, ignore)
	view.later()
}

// Load the event of a number, with the events around it; return whether it exists.
async function goTo(log, number) {
	if (log.find(number) < 0) {
		const after = Math.max(0, number - PAGE / 2)
		await page(
			log,
			{after, limit: PAGE, newest: false},
			({events}) => events.length && log.replace(events, after === 0)
		)
	}
	return log.find(number) >= 0
}

// -- over a reload

let keeping = 0

function changed(pause) {
	view.later(pause)
	keeping ||= setTimeout(keepNow, WAIT)
}

function keepNow() {
	clearTimeout(keeping)
	keeping = 0
	if (!session.wasIn) return
	const logs = [...rooms.logs.values()].map((log) => ({
		...Object.fromEntries(
			["key", "label", "last", "unread", "calls", "topic", "used", "isClosed"].map((name) => [name, log[name]])
		),
		items: log.kind === "room" ? [] : log.items.slice(-KEPT_ITEMS),
		unsent: talk.keep(log)
	}))
	const {token, alias, isMember} = session
	if (!isMember && document.body.dataset.state !== "elsewhere")
		keep.keepProof(alias, token, session.grace + POLL / 1000)
	keep.keepSession({
		token,
		alias,
		isMember,
		journal: rooms.journal,
		client: rooms.client,
		inbox: rooms.inbox,
		shown: view.log?.key,
		logs
	})
}

function restore({token, alias, isMember, journal, client, inbox, shown, logs}) {
	Object.assign(rooms, {alias, journal, client, inbox})
	Object.assign(session, {token, alias, isMember})
	for (const {items, unsent, ...rest} of logs) {
		const log = Object.assign(rest.key.startsWith("@") ? rooms.person(rest.label) : rooms.room(rest.key), rest)
		items.forEach((item) => log.push(item))
		if (log.unread) log.mark = log.items.at(-log.unread - 1)?.key
		talk.sendAgain(log, unsent)
	}
	drafts.begin()
	view.restored(shown)
	session.wasIn = true
	session.enter(alias)
}

addEventListener("pagehide", () => reading.flush())
addEventListener("pagehide", keepNow)
document.addEventListener("visibilitychange", () => document.hidden && keepNow())

try {
	const kept = keep.session()
	if (kept.token) restore(kept)
} catch {
	session.token = keep.token() // the kept session is of another version of the page
}
document.body.dataset.ready = ""
const wanted = window.begun() // first.js: the alias that was typed before this was loaded
if (!session.wasIn) view.askAlias(wanted || keep.lastAlias())
if (!session.wasIn && wanted) document.getElementById("entrance-form").requestSubmit()
else isElsewhere(keep.lastAlias(), true)
if (!session.wasIn && keep.hasPrivate()) ofPrivate().then(({tell}) => tell(), ignore)
