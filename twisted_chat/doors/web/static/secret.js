// The dialog for the secret that a typed command asks for. Loaded when it is wanted.

import {open as openAccount} from "./account.js"
import {dialog} from "./dialog.js"
import {make} from "./dom.js"

// name: the command's; send(secret): a promise
export function open(view, name, typed, send) {
	if (name === "register") return openAccount(view)
	if (name === "password") return openAccount(view, "other-password")
	if (name === "login") return view.talk.notice(view.log, {text: LEAVE, isRefusal: true})
	const field = make("input", {
		id: "asked-secret",
		type: "password",
		autocomplete: "off",
		maxlength: "1024",
		required: "",
		"data-first": ""
	})
	const said = make("p", {role: "status", class: "outcome"})
	const onsubmit = async (event) => {
		event.preventDefault()
		said.textContent = ""
		try {
			await send(field.value)
			node.close()
		} catch ({message}) {
			said.textContent = message
			field.select()
		}
	}
	const label = make("label", {for: "asked-secret"}, "Password")
	const node = dialog(
		"secret-dialog",
		typed,
		make("form", {onsubmit}, said, label, field, make("button", {class: "strong"}, "Send"))
	)
}

const LEAVE = "to log in, leave the chat, and enter under your name: the entrance asks for its password"
