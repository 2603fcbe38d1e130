// The entrance of a member: a password or a code for an alias that belongs to somebody. Loaded when it is wanted.

import {$, make} from "./dom.js"
import {keepMember, member} from "./keep.js"
import {isSame} from "./people.js"

const OVERHEARD =
	"Others on the network can read what this page sends, so it takes no password. Open it over https; or type a code, which another device of yours shows."
const NO_CODE = "That is no code: one looks like K7QF-2M9P-XD4T."
const CODE = /^[a-z0-9]{4}[- ]?[a-z0-9]{4}[- ]?[a-z0-9]{4}$/i

// Called when hello was refused for want of a secret, or when the session was ended: ask for it in the entrance, below the alias;
// or for nothing but Enter, if the browser is still logged in.
export async function askSecret({session, view, forget}, why, error) {
	const {alias, wasIn} = session
	if (wasIn) {
		forget(alias)
		view.log.clear()
		for (const id of ["lines", "live"]) $(id).replaceChildren()
	}
	view.askAlias(alias, error === "secret_needed" && !wasIn ? "" : why)
	$("alias").setAttribute("aria-invalid", "false")
	const {alias: known, overheard} = await browser() // which forgets a cookie that is not valid any more
	if (isSame(known ?? "", alias)) return keepMember(known)
	if (isSame(member(), alias)) keepMember("")
	stopAsking()
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
	const node = make("div", {id: "proof"}, label, field, overheard && make("p", {}, OVERHEARD))
	node.style.display = "contents"
	Object.assign(node.dataset, {alias, ...(overheard && {overheard})})
	$("alias").autocomplete = "username"
	$("alias").after(node)
	$("alias").oninput = () => isSame($("alias").value.trim(), alias) || stopAsking()
	$("entrance-hint").dataset.words ??= $("entrance-hint").textContent
	$("entrance-hint").textContent = `${alias} belongs to a member. Are you somebody else? Choose another alias.`
	field.focus()
}

// Ask for an alias alone.
function stopAsking() {
	if (!$("proof")) return
	$("proof").remove()
	$("entrance-said").textContent = ""
	$("entrance-hint").textContent = $("entrance-hint").dataset.words
}

// Enter with the secret that is typed: with the cookie that it makes, or, where there can be none, with the code itself.
export async function enter({session, view}) {
	const {alias, overheard} = $("proof").dataset
	const secret = $("secret").value
	const why = overheard ? !CODE.test(secret.trim()) && NO_CODE : await logIn(alias, secret)
	if (why) {
		view.askAlias(alias, why)
		$("alias").setAttribute("aria-invalid", "false")
		$("secret").setAttribute("aria-invalid", "true")
		$("secret").select()
		return
	}
	stopAsking()
	session.isMember = true
	session.enter(alias, overheard && secret.trim())
}

// Have the browser remember that it is a member's; return why not, or nothing.
export async function logIn(alias, secret) {
	const asked = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({alias, secret})}
	const answer = await fetch("login", asked).catch(() => null)
	if (!answer) return "the server cannot be reached: try again"
	if (!answer.ok) return (await answer.text()).trim()
	keepMember(alias)
	return ""
}

// What the server knows of this browser.
export const browser = () =>
	fetch("login", {cache: "no-store"}).then(
		(answer) => answer.json(),
		() => ({})
	)

// Have the browser forget it; all its tabs end, this one before the server ends it.
export async function logOut(session) {
	session.forget()
	await fetch("logout", {method: "POST"}).catch(() => null)
	keepMember("")
}
