// The account: to protect one's name, and its devices, codes and tokens. Loaded when it is opened.

import {dialog} from "./dialog.js"
import {make} from "./dom.js"
import {browser, logIn, logOut} from "./login.js"

const LEAST = "8" // bytes of a password

// first: the id of a member's field to begin with
export async function open({rooms, session}, first) {
	const body = make("div", {})
	const node = dialog("account", rooms.alias, body)
	const said = make("p", {role: "status", class: "outcome"})
	const show = (...parts) => node.open && body.replaceChildren(said, ...parts)
	// Do what a button or a form asks for, and say what became of it.
	const attempt = async (act) => {
		said.textContent = ""
		try {
			said.textContent = (await act()) ?? ""
		} catch ({message}) {
			said.textContent = message
		}
	}
	const form = (label, fields, act) => {
		const send = make("button", {class: "strong"}, label)
		const onsubmit = (event) => {
			event.preventDefault()
			send.disabled = true
			attempt(act).finally(() => (send.disabled = false))
		}
		return make("form", {onsubmit}, ...fields, send)
	}
	const button = (label, act, attributes) =>
		make("button", {type: "button", class: "plain", onclick: () => attempt(act), ...attributes}, label)

	const username = () =>
		make("input", {hidden: "", autocomplete: "username", name: "username", value: rooms.alias, readonly: ""})
	const password = (id, label) => {
		const field = make("input", {
			id,
			type: "password",
			name: "new-password",
			autocomplete: "new-password",
			minlength: LEAST,
			maxlength: "1024",
			required: ""
		})
		return [make("label", {for: id}, label), field]
	}

	// -- a guest

	function protect() {
		const fields = [username(), ...password("new-password", "A password, of 8 characters or more")]
		show(
			make(
				"p",
				{},
				"Nobody but you can be called so once your name is protected. On another device, give the same name and this password. There is no e-mail: keep the password safe."
			),
			form("Protect this name", fields, async () => {
				const secret = fields.at(-1).value
				await session.ask("register", {password: secret})
				session.role = "member"
				session.isMember = true
				await logIn(rooms.alias, secret) // the browser knows the person after a reload, too
				await account()
				return "This name is yours now."
			})
		)
		fields.at(-1).focus()
	}

	const cannot = () =>
		show(
			make(
				"p",
				{},
				"Others on the network can read what this page sends, so it takes no password. Open the page over https, or on the server's own machine, to protect your name."
			)
		)

	// -- a member

	async function account() {
		const [{devices: credentials}, {device}] = await Promise.all([session.ask("devices"), browser()])
		const of = (kind) => credentials.filter((one) => one.kind === kind)
		const list = (found, words) =>
			found.length ? make("ul", {class: "rows"}, ...found.map((one) => row(one, words(one)))) : none()
		const row = (one, words) =>
			make(
				"li",
				{},
				make("span", {dir: "auto"}, words),
				one.own || one.number === device
					? make("span", {class: "quiet-words"}, "this browser")
					: button("End", () => end(one), {"aria-label": `End ${words}`})
			)
		const end = async (one) => {
			await session.ask("revoke", {number: one.number})
			await account()
			return "It is ended."
		}
		const none = () => make("p", {class: "quiet-words"}, "none")
		show(
			make("h3", {}, "Devices"),
			list(of("device"), ({label, since, at, used}) =>
				[label || "a device", `since ${day(since)}`, at, used && `used ${day(used)}`].filter(Boolean).join(", ")
			),
			make("h3", {}, "Another device"),
			make("p", {}, "There, give your name, and your password or a code. A code is valid for 10 minutes, and once."),
			make("div", {class: "row"}, button("Show a code", code, {id: "make-code"})),
			make("h3", {}, "Keys, for ssh"),
			list(of("key"), ({label, fingerprint, since}) =>
				[label, fingerprint, `since ${day(since)}`].filter(Boolean).join(", ")
			),
			make("h3", {}, "Tokens, for your scripts"),
			list(of("token"), ({label, since}) => `${label || "a token"}, since ${day(since)}`),
			tokens(),
			make("h3", {}, "Password"),
			change(),
			make("div", {class: "buttons"}, button("Log out", out, {id: "log-out", class: "plain bad"}))
		)
	}

	const day = (seconds) => new Date(1000 * seconds).toLocaleDateString()

	// Show a secret this once, ready to be copied.
	function shown(before, secret, words) {
		const field = make("input", {class: "made", readonly: "", value: secret, "aria-label": words})
		const copy = async () => {
			field.select()
			await navigator.clipboard.writeText(secret).catch(() => document.execCommand("copy"))
			return "copied"
		}
		body.querySelector(".secret")?.remove()
		const row = make("div", {class: "row"}, field, button("Copy", copy, {class: "strong"}))
		before.after(make("div", {class: "secret"}, make("p", {}, words), row))
		field.select()
	}

	async function code() {
		const made = await session.ask("code")
		return shown(body.querySelector("#make-code").parentNode, made.code, "This code lets one more device in, once.")
	}

	function tokens() {
		const name = make("input", {id: "token-name", maxlength: "24", required: "", placeholder: "for example, backup"})
		const made = form("Make a token", [make("label", {for: "token-name"}, "What it is for"), name], async () => {
			const {token} = await session.ask("token", {label: name.value})
			await account()
			const after = body.querySelector("#token-name").form
			return shown(after, token, "This token acts as you. It is not shown again.")
		})
		return made
	}

	function change() {
		const fields = [username(), ...password("other-password", "A new password")]
		return form("Change the password", fields, async () => {
			const secret = fields.at(-1).value
			await session.ask("password", {password: secret})
			await logIn(rooms.alias, secret) // the browser knows the person after a reload, too
			await account()
			return "The password is changed. Other devices have to log in again; tokens stay valid."
		})
	}

	async function out() {
		await logOut(session)
		node.close()
		session.isMember = false
		await session.quit("")
	}

	if (session.role) return attempt(account).then(() => body.querySelector(`#${first}`)?.focus())
	const {overheard} = await browser()
	return overheard ? cannot() : protect()
}
