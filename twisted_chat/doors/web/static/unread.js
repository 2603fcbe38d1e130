// What a member has not read in a room: the server's counts up to a number, and the posts that have come after it. Pure.
//
// The law: a mark only goes up, and all tabs and devices of a member have the same counts.

const MOST = 1000 // posts; the server counts no further

export class Unread {
	#news = [] // {number, isCall, isRest}, oldest first
	#isMore = false // there are more of these

	// mark: the number that was read last; to: the last one in the server's counts
	constructor(mark, to, posts = 0, calls = 0) {
		Object.assign(this, {mark, to, told: {posts, calls}})
	}

	get posts() {
		const isFirst = (at) => !at && !this.told.posts
		const news = this.#news.filter(({isRest}, at) => !isRest || isFirst(at)) // a block is one post
		return Math.min(MOST, this.told.posts + news.length)
	}

	get calls() {
		return this.told.calls + this.#news.filter(({isCall}) => isCall).length
	}

	// Count a post of somebody else.
	add({number, block}, isCall) {
		if (number <= this.mark || number <= this.to) return
		if (this.#news.length < MOST) this.#news.push({number, isCall, isRest: block > 1})
		else this.#isMore = true
	}

	// Move the mark up; return whether the counts are still known. last: the newest number in the room
	read(number, last) {
		if (number <= this.mark) return true
		const isAll = number >= last && number >= this.to
		const isKnown = isAll || (!this.#isMore && (number >= this.to || !this.told.posts))
		this.mark = number
		if (number >= this.to) this.told = {posts: 0, calls: 0}
		this.#news = this.#news.filter((one) => one.number > number)
		this.#isMore &&= !isAll
		return isKnown
	}
}
