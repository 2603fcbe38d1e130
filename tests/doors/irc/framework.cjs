// A client of IRC as a web client has it: it answers "!go" with all that such a client does, and prints what it is told.
const {Client} = require("irc-framework")

const client = new Client()
const print = (...words) => console.log(words.join(" "))

client.on("registered", () => client.join("#lobby"))
client.on("nick in use", ({nick}) => client.changeNick(nick + "2"))
client.on("userlist", ({channel, users}) => print("users", channel, ...users.map(({nick}) => nick).sort()))
client.on("topic", ({channel, topic}) => print("topic", channel, topic))
client.on("nick", ({nick, new_nick}) => print("nick", nick, new_nick))
for (const kind of ["privmsg", "action", "notice"])
	client.on(kind, ({nick, target, message, from_server}) => from_server || print(kind, nick, target, message))
client.on("message", ({nick, message, tags}) => {
	if (message !== "!go") return
	print("id", tags.msgid, nick)
	client.say("#lobby", "hello")
	client.action("#lobby", "waves")
	client.notice("#lobby", "noted")
	client.setTopic("#lobby", "tea at four")
	client.whois("nick", (found) => print("whois", found.nick, found.channels))
	client.who("#lobby", ({users}) => print("who", ...users.map((user) => user.nick).sort()))
	client.changeNick("loungers")
})
client.on("message", ({message}) => message === "!bye" && client.quit("so long"))
client.on("close", () => process.exit(0))
client.connect({host: "127.0.0.1", port: Number(process.argv[2]), nick: "lounge", username: "l", auto_reconnect: false})
