// The question before leaving: what others see, and whether private conversations are kept.

import {dialog} from "./dialog.js"
import {make} from "./dom.js"
import {logOut} from "./login.js"
import {DAYS} from "./private.js"

export function open({rooms, session}) {
	const people = rooms.of("person").filter(({items}) => items.length)
	const unsent = [...rooms.logs.values()].reduce((sum, log) => sum + log.unsent.length, 0)
	const leave = (isKept) => {
		if (!isKept) people.forEach(({key}) => rooms.remove(key))
		node.close()
		session.quit("")
	}
	const words = [
		session.role
			? "Others see that you have left once no device of yours is here. This browser stays logged in, unless you log out."
			: `Others see that ${rooms.alias} has left. Lines in rooms stay on the server.`
	]
	if (unsent)
		words.push(
			unsent === 1
				? "One line is not sent yet, and will be lost."
				: `${unsent} lines are not sent yet, and will be lost.`
		)
	const them = people.length === 1 ? "it" : "them"
	if (people.length)
		words.push(
			`${conversations(people)} only in this browser. You can keep ${them} here for ${DAYS} days: until then, anyone who enters as ${rooms.alias} in this browser can read ${them}.`
		)
	const button = (label, act, attributes) => make("button", {type: "button", onclick: act, ...attributes}, label)
	const buttons = [button("Stay", () => node.close(), {class: "plain", "data-first": ""})]
	if (session.role)
		buttons.push(button("Log out", () => logOut(session).then(() => leave(false)), {class: "plain bad"}))
	if (people.length)
		buttons.push(button(`Leave, and delete ${them}`, () => leave(false), {class: "plain bad", id: "leave-and-delete"}))
	buttons.push(
		button(people.length ? `Leave, and keep ${them}` : "Leave", () => leave(true), {
			class: "strong",
			id: "leave-now"
		})
	)
	const node = dialog(
		"leaving",
		"Leave the chat?",
		...words.map((text) => make("p", {dir: "auto"}, text)),
		make("div", {class: "buttons"}, ...buttons)
	)
}

const conversations = (people) =>
	people.length === 1
		? `Your private conversation with ${people[0].label} is`
		: `Your ${people.length} private conversations are`
