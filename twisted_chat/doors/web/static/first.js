// The entrance before the rest is loaded: it takes an alias, and shows why if the rest does not load. It is sent inside the page.

;(() => {
	const $ = (id) => document.getElementById(id)
	const form = $("entrance-form")
	const say = (words) => ($("entrance-said").textContent = words)
	const PRELOADED = "[rel=modulepreload]"
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

	// Show why the page does not start, in the server's own words if it has any. The browser does not tell which script is
	// missing: main.js loads only with all that it imports, which are those that are preloaded.
	async function failed({src, href}, message) {
		if (isOver || hasFailed) return
		hasFailed = true
		const imported = src ? [...document.querySelectorAll(PRELOADED)].map((link) => link.href) : []
		const words = (answer) => (answer.ok ? "" : answer.text())
		const ask = (url) => fetch(url, {cache: "reload"}).then(words, () => "the server cannot be reached")
		const why = await Promise.all([src, href, ...imported].filter(Boolean).map(ask))
		if (isOver) return // it came after all
		form.hidden = false
		form.noValidate = true
		say(`The page could not be loaded: ${(why.find(Boolean) || message || "a part of it is missing").trim()}`)
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
	// A preload that fails is no fault: if the script cannot be loaded, what imports it fails, too.
	addEventListener(
		"error",
		({target, message}) => target.matches?.(`img, ${PRELOADED}`) || failed(target, message),
		true
	)
	// Called by main.js once it is loaded: return the alias that was typed meanwhile.
	window.begun = () => {
		isOver = true
		form.hidden = form.noValidate = false
		$("enter").textContent = "Join"
		return form.dataset.wanted ?? ""
	}

	sayWhere()
	addEventListener("hashchange", sayWhere)
	form.hidden = Boolean(kept("sessionStorage", "session")?.includes('"token"')) // after a reload
	$("alias").value = kept("localStorage", "alias") ?? ""
	if (!form.hidden) $("alias").select()
})()
