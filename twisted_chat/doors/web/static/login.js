// The entrance of a member: a password or a code for an alias that belongs to somebody. Loaded when it is wanted.

import {$, make} from "./dom.js"
import {isSame} from "./people.js"

const OVERHEARD =
	"Others on the network can read what this page sends, so it takes no password. Open it over https; or type a code, which another device of yours shows."
const CODE = /^[a-z0-9]{4}[- ]?[a-z0-9]{4}[- ]?[a-z0-9]{4}$/i

// Ask for the secret of an alias in the entrance, below the alias.
export async function askSecret(alias, why) {
	const {overheard} = await fetch("login", {cache: "no-store"}).then((answer) => answer.json())
	$("proof")?.remove()
	const field = make("input", {
		id: "secret",
		type: overheard ? "text" : "password",
		autocomplete: overheard ? "one-time-code" : "current-password",
		name: "password",
		maxlength: "1024",
		required: "",
		spellcheck: "false",
		autocapitalize: "off",
		enterkeyhint: "go",
		"aria-describedby": "entrance-said"
	})
	const label = make("label", {for: "secret"}, overheard ? "code?" : "password, or a code?")
	const hint = overheard && make("p", {class: "words"}, OVERHEARD)
	const node = make("div", {id: "proof"}, label, field, hint)
	$("entrance-form").autocomplete = "on"
	$("alias").autocomplete = "username"
	$("alias").after(node)
	$("entrance-said").textContent = why
	$("entrance-hint").dataset.words ??= $("entrance-hint").textContent
	$("entrance-hint").textContent = `${alias} belongs to a member. Are you somebody else? Choose another alias.`
	$("alias").oninput = () => isSame($("alias").value.trim(), alias) || stopAsking()
	field.focus()
	Object.assign(node.dataset, {alias, overheard: overheard ? "overheard" : ""})
}

// Ask for the secret again.
export function askAgain() {
	$("alias").setAttribute("aria-invalid", "false")
	$("secret").setAttribute("aria-invalid", "true")
	$("secret").select()
}

// Ask for an alias alone.
export function stopAsking() {
	if (!$("proof")) return
	$("proof").remove()
	$("entrance-said").textContent = ""
	$("entrance-hint").textContent = $("entrance-hint").dataset.words
}

// Log in with what is typed; return whether the browser has the cookie now, or {secret} to say hello with.
export async function proved() {
	const {alias, overheard} = $("proof").dataset
	const secret = $("secret").value.trim()
	if (overheard) return CODE.test(secret) ? {secret} : {why: "That is no code: it looks like K7QF-2M9P-XD4T."}
	const why = await logIn(alias, $("secret").value)
	return why ? {why} : {}
}

// Have the browser remember that it is a member's; return why not, or nothing.
export async function logIn(alias, secret) {
	const asked = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({alias, secret})}
	const answer = await fetch("login", asked).catch(() => null)
	if (!answer) return "the server cannot be reached: try again"
	return answer.ok ? "" : (await answer.text()).trim()
}

// Have the browser forget it; all its tabs end.
export const logOut = () => fetch("logout", {method: "POST"}).catch(() => null)
