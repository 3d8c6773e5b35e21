package dataset

import "strings"

// subject is an emoji that emojigram draws, with what its captions say of it.
type subject struct {
	char   string // one code point
	noun   string
	plural string // "": noun and an s
	pun    string
	quip   string // another pun
}

func (s subject) plurals() string {
	if s.plural != "" {
		return s.plural
	}
	return s.noun + "s"
}

// article returns the noun with "a" or "an".
func (s subject) article() string {
	if strings.ContainsRune("aeio", rune(s.noun[0])) { // "a unicorn": u counts as a consonant here
		return "an " + s.noun
	}
	return "a " + s.noun
}

// tag is the noun as a hashtag or a user name has it.
func (s subject) tag() string { return strings.ReplaceAll(s.noun, " ", "") }

// subjects are few enough that 1,000 pictures show each about thirty times, and look different from each other.
// Captions that name two of them without saying where they are use this order.
var subjects = []subject{
	{"🐱", "cat", "", "feeling purrfect", "feline fine today"},
	{"🐶", "dog", "", "having a ruff day", "pawsitive thoughts only"},
	{"🦊", "fox", "foxes", "outfoxed again", "for fox sake"},
	{"🐼", "panda", "", "unbearably cute", "bamboozled again"},
	{"🐸", "frog", "", "toadally awesome", "hoppy weekend"},
	{"🐷", "pig", "", "hogging the spotlight", "this little piggy brunched"},
	{"🦁", "lion", "", "mane character energy", "not lion, best day ever"},
	{"🐧", "penguin", "", "ice to meet you", "waddle i do without you"},
	{"🐙", "octopus", "octopuses", "well armed for monday", "a total sucker for hugs"},
	{"🦋", "butterfly", "butterflies", "just winging it", "so fly right now"},
	{"🐢", "turtle", "", "shell yeah", "slow and steady slays"},
	{"🐳", "whale", "", "having a whale of a time", "oh whale"},
	{"🦄", "unicorn", "", "stay magical", "straight to the point"},
	{"🐝", "bee", "", "bee yourself", "what's the buzz"},
	{"🍕", "pizza", "", "you wanna pizza me", "slice slice baby"},
	{"🍔", "burger", "", "nice to meat you", "bun intended"},
	{"🍩", "donut", "", "donut worry, be happy", "i donut care"},
	{"🍓", "strawberry", "strawberries", "berry happy today", "this is my jam"},
	{"🍌", "banana", "", "going bananas", "very appealing"},
	{"🍉", "melon", "", "one in a melon", "water you waiting for"},
	{"🥑", "avocado", "", "let's avo cuddle", "holy guacamole"},
	{"🍦", "ice cream", "", "here's the scoop", "cone with the wind"},
	{"🎂", "cake", "", "a piece of cake", "baking bad"},
	{"🌮", "taco", "", "let's taco bout it", "wanna taco walk"},
	{"🍋", "lemon", "", "easy peasy squeezy", "zest day ever"},
	{"🍪", "cookie", "", "one tough cookie", "chip chip hooray"},
	{"🌵", "cactus", "cacti", "stuck on you", "looking sharp"},
	{"🌻", "sunflower", "", "bloom where you are", "facing the sun"},
	{"🌈", "rainbow", "", "pot of gold pending", "bending the light"},
	{"🌙", "moon", "", "over the moon", "it's just a phase"},
	{"🔥", "flame", "", "this is lit", "too hot to handle"},
	{"🍄", "mushroom", "", "such a fungi", "no mushroom for doubt"},
	{"🚗", "car", "", "life in the fast lane", "wheely good times"},
	{"🚀", "rocket", "", "i need more space", "this is rocket science"},
	{"🚲", "bike", "", "two tired to work", "wheel be back"},
	{"⛵", "boat", "", "seas the day", "whatever floats it"},
	{"🚂", "train", "", "choo choose me", "full steam ahead"},
	{"🎸", "guitar", "", "no strings attached", "don't fret"},
	{"🎈", "balloon", "", "up, up and away", "totally blown away"},
	{"💎", "diamond", "", "shine bright", "rocks never lie"},
	{"📷", "camera", "", "say cheese", "picture perfect"},
	{"👑", "crown", "", "royally yours", "king of the feed"},
	{"🎁", "gift", "", "living in the present", "it's a wrap"},
	{"⚽", "football", "", "having a ball", "what a goal getter"},
	{"🤖", "robot", "", "does not compute", "beep beep, monday"},
	{"👻", "ghost", "", "such boo-tiful souls", "been ghosted again"},
	{"👽", "alien", "", "out of this world", "take me to your feed"},
	{"😎", "smiley", "", "too cool for school", "throwing some shade"},
}
