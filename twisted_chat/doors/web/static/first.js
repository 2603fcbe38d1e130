// The entrance before the rest is loaded: it takes an alias, and shows why if the rest does not load. It is sent inside the page.

;(() => {
	const $ = (id) => document.getElementById(id)
	const form = $("entrance-form")
	const say = (words) => ($("entrance-said").textContent = words)
	let isOver = false
	let hasFailed = false

	const kept = (storage, name) => {
		try {
			return window[storage].getItem(`twisted_chat.${name}`)
		} catch {
			return null // switched off
		}
	}

	// Show where the address leads.
	function sayWhere() {
		let name = location.hash.slice(1).split("/")[0]
		try {
			name = decodeURIComponent(name)
		} catch {
			// take it undecoded
		}
		$("where-room").textContent = `#${/^[^@*]/.test(name) ? name : "lobby"}`
		$("where-server").textContent = location.host
	}

	// Show why a part is missing, in the server's own words if it has any.
	async function failed(url, message = "a part of it is missing") {
		if (isOver || hasFailed) return
		hasFailed = true
		const words = (answer) => (answer.ok ? "" : answer.text())
		const why = url && (await fetch(url, {cache: "reload"}).then(words, () => "the server cannot be reached"))
		form.hidden = false
		form.noValidate = true
		say(`The page could not be loaded: ${(why || message).trim()}`)
		$("enter").disabled = false
		$("enter").textContent = "Try again"
	}

	form.addEventListener("submit", (event) => {
		if (isOver) return
		event.preventDefault()
		if (hasFailed) return location.reload()
		form.dataset.wanted = $("alias").value
		$("enter").disabled = true
		say("the rest of the page is being loaded ...")
	})
	addEventListener(
		"error",
		({target, message}) => target.matches?.("img") || failed(target.src || target.href, message),
		true
	)
	// Called by main.js once it is loaded: return the alias that was typed meanwhile.
	window.begun = () => {
		isOver = true
		form.hidden = false
		return form.dataset.wanted ?? ""
	}

	sayWhere()
	addEventListener("hashchange", sayWhere)
	form.hidden = Boolean(kept("sessionStorage", "session")?.includes('"token"')) // after a reload
	$("alias").value = kept("localStorage", "alias") ?? ""
	if (!form.hidden) $("alias").select()
})()
