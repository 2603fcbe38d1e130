// The service worker: shows notifications where a page may not (Android), and a page of its own when the server is down.
//
// The law: it keeps no copy of anything, so that nobody ever gets an old page.

const OFFLINE =
	`<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
	`<meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="10"><title>twisted_chat</title>` +
	`<body style="font: 100%/1.5 system-ui, sans-serif; max-width: 30em; margin: 20vh auto; padding: 0 1em"><main><h1>The chat cannot be reached</h1>` +
	`<p>Either this device has no network, or the server is down. This page tries again every 10 seconds.</p></main></body></html>`

addEventListener("install", () => skipWaiting())
addEventListener("activate", (event) => event.waitUntil(clients.claim()))

addEventListener("fetch", (event) => {
	if (event.request.mode !== "navigate") return // the browser handles it without the service worker
	const offline = () => new Response(OFFLINE, {status: 503, headers: {"Content-Type": "text/html; charset=utf-8"}})
	event.respondWith(fetch(event.request).catch(offline))
})

// A tap on a notification opens its line, in an open window if there is one.
addEventListener("notificationclick", (event) => {
	const {notification} = event
	notification.close()
	event.waitUntil(lead(notification.data))
})

async function lead({address}) {
	const open = await clients.matchAll({type: "window"})
	const found = open.find(({focused}) => focused) ?? open[0]
	if (!found) return clients.openWindow(address)
	found.postMessage({address})
	return found.focus()
}
