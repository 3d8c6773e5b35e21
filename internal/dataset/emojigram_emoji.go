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

// subjects are few enough that 1,000 pictures show each about sixty times, and look different from each other.
// Captions that name two of them without saying where they are use this order.
var subjects = []subject{
	{"🐱", "cat", "", "feeling purrfect", "feline fine today"},
	{"🦊", "fox", "foxes", "outfoxed again", "for fox sake"},
	{"🐸", "frog", "", "toadally awesome", "hoppy weekend"},
	{"🦁", "lion", "", "mane character energy", "not lion, best day ever"},
	{"🐙", "octopus", "octopuses", "well armed for monday", "a total sucker for hugs"},
	{"🐢", "turtle", "", "shell yeah", "slow and steady slays"},
	{"🦄", "unicorn", "", "stay magical", "straight to the point"},
	{"🍕", "pizza", "", "you wanna pizza me", "slice slice baby"},
	{"🍩", "donut", "", "donut worry, be happy", "i donut care"},
	{"🍌", "banana", "", "going bananas", "very appealing"},
	{"🥑", "avocado", "", "let's avo cuddle", "holy guacamole"},
	{"🎂", "cake", "", "a piece of cake", "baking bad"},
	{"🍋", "lemon", "", "easy peasy squeezy", "zest day ever"},
	{"🌵", "cactus", "cacti", "stuck on you", "looking sharp"},
	{"🌈", "rainbow", "", "pot of gold pending", "bending the light"},
	{"🔥", "flame", "", "this is lit", "too hot to handle"},
	{"🚗", "car", "", "life in the fast lane", "wheely good times"},
	{"🚲", "bike", "", "two tired to work", "wheel be back"},
	{"🚂", "train", "", "choo choose me", "full steam ahead"},
	{"🎈", "balloon", "", "up, up and away", "totally blown away"},
	{"📷", "camera", "", "say cheese", "picture perfect"},
	{"🎁", "gift", "", "living in the present", "it's a wrap"},
	{"🤖", "robot", "", "does not compute", "beep beep, monday"},
	{"👽", "alien", "", "out of this world", "take me to your feed"},
}
