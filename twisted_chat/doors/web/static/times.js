// Times and numbers in the reader's own locale. Pure.

const format = (options) => {
	const made = new Intl.DateTimeFormat(undefined, options)
	return (seconds) => made.format(new Date(seconds * 1000))
}

export const clock = format({hour: "2-digit", minute: "2-digit"})
export const full = format({dateStyle: "full", timeStyle: "medium"})
// The time without "am" and "pm", for a narrow column.
export const brief = (seconds) => {
	const parts = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit"}).formatToParts(
		new Date(seconds * 1000)
	)
	return parts
		.map(({type, value}) => (type === "dayPeriod" ? "" : value))
		.join("")
		.trim()
}
const written = format({weekday: "long", day: "numeric", month: "long", year: "numeric"})

export const counted = (number) => number.toLocaleString()

const day = (seconds) => new Date(seconds * 1000).setHours(0, 0, 0, 0)

export const isSameDay = (one, other) => day(one) === day(other)

export function dayOf(seconds, now = Date.now() / 1000) {
	if (isSameDay(seconds, now)) return "Today"
	if (isSameDay(seconds, now - 86400)) return "Yesterday"
	return written(seconds)
}
