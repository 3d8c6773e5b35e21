package dataset

import (
	"fmt"
	"image/color"
	"math/rand/v2"
)

// emoji is one thing that pictures show.
type emoji struct {
	char         string
	noun, plural string
	pun          string
}

// emojis are distinct in shape and colour, so that a network can tell them apart.
var emojis = []emoji{
	{"🐱", "cat", "cats", "feline good"}, {"🐶", "dog", "dogs", "having a pawsome day"},
	{"🐸", "frog", "frogs", "toadally fine"}, {"🐼", "panda", "pandas", "bear with me"},
	{"🦊", "fox", "foxes", "oh for fox sake"}, {"🐷", "pig", "pigs", "hogging the spotlight"},
	{"🐝", "bee", "bees", "just bee yourself"}, {"🦋", "butterfly", "butterflies", "winging it"},
	{"🐢", "turtle", "turtles", "turtley awesome"}, {"🐙", "octopus", "octopuses", "tentacool"},
	{"🐳", "whale", "whales", "whale hello there"}, {"🦄", "unicorn", "unicorns", "feeling magical"},
	{"🐧", "penguin", "penguins", "chill out"}, {"🦉", "owl", "owls", "owl always love you"},
	{"🍕", "pizza", "pizzas", "you have a pizza my heart"}, {"🍔", "burger", "burgers", "nice to meat you"},
	{"🍩", "donut", "donuts", "donut worry"}, {"🍓", "strawberry", "strawberries", "berry happy"},
	{"🍌", "banana", "bananas", "going bananas"}, {"🍉", "melon", "melons", "one in a melon"},
	{"🥑", "avocado", "avocados", "let's avo cuddle"}, {"🌮", "taco", "tacos", "let's taco bout it"},
	{"🍦", "ice cream", "ice creams", "mint to be"}, {"🍪", "cookie", "cookies", "one smart cookie"},
	{"🥕", "carrot", "carrots", "i carrot a lot"}, {"🌽", "corn", "corns", "so corny"},
	{"☕", "coffee", "coffees", "thanks a latte"}, {"🎂", "cake", "cakes", "piece of cake"},
	{"🚗", "car", "cars", "wheely good"}, {"🚀", "rocket", "rockets", "need some space"},
	{"🚲", "bike", "bikes", "two tired"}, {"🚂", "train", "trains", "on track"},
	{"🌵", "cactus", "cactuses", "looking sharp"}, {"🌻", "sunflower", "sunflowers", "be your own sunshine"},
	{"🌈", "rainbow", "rainbows", "over the rainbow"}, {"🌙", "moon", "moons", "love you to the moon"},
	{"⭐", "star", "stars", "you are a star"}, {"🔥", "fire", "fires", "this is lit"},
	{"🎸", "guitar", "guitars", "rock on"}, {"🎈", "balloon", "balloons", "up up and away"},
	{"⚽", "ball", "balls", "having a ball"}, {"🎁", "gift", "gifts", "it's a wrap"},
	{"💎", "diamond", "diamonds", "shine bright"}, {"👑", "crown", "crowns", "feeling royal"},
	{"🤖", "robot", "robots", "beep boop"}, {"👻", "ghost", "ghosts", "boo to you"},
	{"🎃", "pumpkin", "pumpkins", "oh my gourd"}, {"⛄", "snowman", "snowmen", "there's snow way"},
}

// backgrounds are the colours that captions name.
var backgrounds = []struct {
	name  string
	color color.RGBA
}{
	{"red", color.RGBA{214, 64, 69, 255}}, {"orange", color.RGBA{243, 146, 55, 255}},
	{"yellow", color.RGBA{246, 214, 92, 255}}, {"green", color.RGBA{88, 164, 92, 255}},
	{"blue", color.RGBA{70, 130, 200, 255}}, {"purple", color.RGBA{138, 92, 178, 255}},
	{"pink", color.RGBA{240, 160, 190, 255}}, {"grey", color.RGBA{150, 155, 160, 255}},
}

// scene is what one picture shows, as far as its captions depend on it, and the seed of everything else.
type scene struct {
	kind       sceneKind
	a, b       emoji
	background int
	look       *rand.Rand // places, sizes, turns, the background's pattern
}

type sceneKind int

const (
	single  sceneKind = iota // one a
	pair                     // a on the left, b on the right
	trio                     // three a
	twoPlus                  // two a and one b
)

// kindShares are how often each kind occurs, in tenths.
var kindShares = []sceneKind{single, single, single, single, pair, pair, pair, pair, trio, twoPlus}

func sceneOf(s EmojigramSettings, n int) scene {
	rng := sceneRNG(s.Seed, n)
	a := rng.IntN(len(emojis))
	b := (a + 1 + rng.IntN(len(emojis)-1)) % len(emojis) // another one
	return scene{kind: kindShares[rng.IntN(len(kindShares))], a: emojis[a], b: emojis[b],
		background: rng.IntN(len(backgrounds)), look: rng}
}

// things are the emoji from left to right.
func (s scene) things() []emoji {
	switch s.kind {
	case single:
		return []emoji{s.a}
	case pair:
		return []emoji{s.a, s.b}
	case trio:
		return []emoji{s.a, s.a, s.a}
	}
	return []emoji{s.a, s.a, s.b}
}

// sentences are the ways to speak of the scene, each as likely as the others. No two of one scene are equal.
func (s scene) sentences() []string {
	a, b, on := s.a, s.b, backgrounds[s.background].name
	switch s.kind {
	case single:
		return []string{
			fmt.Sprintf("just a %s %s", a.noun, a.char), fmt.Sprintf("%s on %s = mood", a.char, on),
			fmt.Sprintf("%s %s", a.pun, a.char), fmt.Sprintf("%s vibes on %s", a.noun, on),
			fmt.Sprintf("me, a %s, on a %s day", a.noun, on), fmt.Sprintf("%s%s%s", a.char, a.char, a.char)}
	case pair:
		return []string{
			fmt.Sprintf("%s left of %s", a.noun, b.noun), fmt.Sprintf("%s right of %s", b.char, a.char),
			fmt.Sprintf("%s meets %s on %s", a.noun, b.noun, on), fmt.Sprintf("%s + %s = love", a.char, b.char),
			fmt.Sprintf("%s %s%s", a.pun, a.char, b.char), fmt.Sprintf("%s and %s goals %s", a.noun, b.noun, b.char)}
	case trio:
		return []string{
			fmt.Sprintf("three %s on %s", a.plural, on), fmt.Sprintf("%s x3 = squad goals", a.char),
			fmt.Sprintf("too many %s %s", a.plural, a.char), fmt.Sprintf("%s, all three of us %s", a.pun, a.char)}
	}
	return []string{
		fmt.Sprintf("two %s and a %s", a.plural, b.noun), fmt.Sprintf("%s%s vs %s", a.char, a.char, b.char),
		fmt.Sprintf("odd one out: the %s %s", b.noun, b.char), fmt.Sprintf("two %s on %s, one %s", a.plural, on, b.noun)}
}
