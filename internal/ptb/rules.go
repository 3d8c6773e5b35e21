package ptb

// breaks end a line.
var breaks = []span{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}

// definitions are the parts of the rules, as PTBLexer of Stanford CoreNLP 3.4.1 understands English (Manning and
// others; the description is its source file's). Letters stand for both cases, but in sets for themselves.
var definitions = map[string]string{
	"space": `[ \t\u00A0\u2000-\u200A\u3000]`,
	"break": `(\r|\r?\n|[\v\f\u0085\u2028\u2029])`,
	"blank": `({space}|{break})`,
	"digit": `[{digit}]`,

	// Markup and what stands for characters in it.
	"attribute": `[A-Za-z][A-Za-z0-9_:.\-]*`,
	"markup":    `<([!?][A-Za-z\-][^>\r\n]*|{attribute}( +({attribute}|{attribute} *= *('[^']*'|"[^"]*")))* *\/?|\/{attribute}) *>`,
	"accented":  `(&[aeiouAEIOU](acute|grave|uml);)`,
	"amp":       `&amp;`,

	// Words.
	"letter":    `([{letter}\u00AD{mark}]|{accented})`,
	"apos":      `(['\u0092\u2019]|&apos;)`,
	"quotelike": "({apos}|[`\\u0091\\u2018\\u201B])",
	"wordtail":  `({letter}|{digit})*`,
	"word":      `({letter}{wordtail}([.!?]{letter}{wordtail})*)`,
	"ending":    `({apos}([msdMSD]|re|ve|ll))`,
	"stem":      `([A-Za-z\u00AD]*[A-MO-Za-mo-z]\u00AD*)`,
	"not":       `(n{quotelike}t)`,
	"hyphen":    `[\-_\u058A\u2010\u2011]`,
	"alnum":     `[{letter}{digit}]`,
	"prefixed":  `(([dDoOlL]{quotelike}{alnum})?{alnum}+)`,
	"joined":    `({prefixed}({hyphen}{prefixed})*)`,
	"company":   `([A-Z]+(([+&]|{amp})[A-Z]+)+)`,
	"slashpart": `([A-Za-z0-9]+(-[A-Za-z]+){0,2})`,
	"compound":  `([A-Za-z0-9][A-Za-z0-9.,\u00AD]*(-([A-Za-z0-9\u00AD]+|{initials2}\.))+)`,
	"apostrophed": `({apos}n{apos}?|[lLdDjJ]{apos}|Dunkin{apos}|somethin{apos}|ol{apos}|{apos}em|[A-HJ-XZn]{quotelike}[{letter}]{2}[{letter}]*|{apos}[2-9]0s|{apos}till?` +
		`|[{letter}]+[aeiouyAEIOUY]{quotelike}[aeiouA-Z][{letter}]*|{apos}cause|cont'd\.?|'twas|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l|O{quotelike}o)`,
	"special":   `(-(RRB|LRB|RCB|LCB|RSB|LSB)-|C\.D\.s|pro-|anti-|S(&|{amp})P-500|S(&|{amp})Ls|Cap{apos}n|c{apos}est)`,
	"extension": `(bat|bmp|c|class|cgi|cpp|dll|doc|docx|exe|gif|gz|h|htm|html|jar|java|jpeg|jpg|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|wav|x|xml|zip)`,
	"file":      `(({letter}|{digit})+(\.({letter}|{digit})+)*\.{extension})`,

	// Addresses.
	"url":  `(https?:\/\/[^ \t\n\f\r"<>|(){}]+[^ \t\n\f\r"<>|.!?(){},\-])`,
	"host": "(www\\.([^ \\t\\n\\f\\r\"<>|.!?(){},]+\\.)+[a-zA-Z]{2,4}|([^ \\t\\n\\f\\r\"`'<>|.!?(){},-_$]+\\.)+(com|net|org|edu))",
	"path": `(\/[^ \t\n\f\r"<>|()]+[^ \t\n\f\r"<>|.!?(){},\-])`,
	"mail": `((&lt;|<)?[a-zA-Z0-9][^ \t\n\f\r"<>|()\u00A0{}]*@([^ \t\n\f\r"<>|(){}.\u00A0]+\.)*[^ \t\n\f\r"<>|(){}.\u00A0]+(&gt;|>)?)`,

	// Numbers.
	"number":   `([\-+]?({digit}+|{digit}*([.:,\u00AD\u066B\u066C]{digit}+)+))`,
	"date":     `({digit}{1,2}[\-\/]{digit}{1,2}[\-\/]{digit}{2,4})`,
	"script":   `([\u207A\u207B\u208A\u208B]?([\u2070\u00B9\u00B2\u00B3\u2074-\u2079]+|[\u2080-\u2089]+))`,
	"fraction": `(({digit}{1,4}[\- \u00A0])?{digit}{1,4}(\\?\/|\u2044){digit}{1,4})`,
	"phone": `((\([0-9]{2,3}\)[ \u00A0]?|(\+\+?)?([0-9]{2,4}[\- \u00A0])?[0-9]{2,4}[\- \u00A0])[0-9]{3,4}[\- \u00A0]?[0-9]{3,5}` +
		`|((\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5})`,

	// Abbreviations: some end a sentence before a capital, some never do, some are such before numbers only.
	"months":    `(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)`,
	"days":      `(Mon|Tue|Tues|Wed|Thu|Thurs|Fri)`,
	"states":    `(Ala|Ariz|[A]z|[A]rk|Calif|Colo|Conn|Ct|Dak|[D]el|Fla|Ga|[I]ll|Ind|Kans?|Ky|[L]a|[M]ass|Md|Mich|Minn|[M]iss|Mo|Mont|Neb|Nev|Okla|[O]re|[P]a|Penn|Tenn|[T]ex|Va|Vt|[W]ash|Wisc?|Wyo)`,
	"companies": `(Inc|Cos?|Corp|Pp?t[ye]s?|Ltd|Plc|Rt|Bancorp|Bhd|Assn|Univ|Intl|Sys)`,
	"suffixes":  `(Jr|Sr|Bros|(Ed|Ph)\.D|Blvd|Rd|Esq)`,
	"final":     `(({months}|{days}|{states}|{companies}|tel|est|ext|sq|{suffixes}|etc|al|seq|Bldg)\.)`,
	"nations":   `((Canada|Sino|Korean|EU|Japan|non)-U\.S|U\.S\.-(U\.K|U\.S\.S\.R))`,
	"initials":  `([A-Za-z](\.[A-Za-z])*|{nations})`,
	"initials2": `([A-Za-z](\.[A-Za-z])+|{nations})`,
	"titles": `(Mr|Mrs|Ms|[M]iss|Drs?|Profs?|Sens?|Reps?|Attys?|Lt|Col|Gen|Messrs|Govs?|Adm|Rev|Maj|Sgt|Cpl|Pvt|Capt|Ste?|Ave|Pres|Lieut|Hon|Brig|Co?mdr|Pfc|Spc|Supts?` +
		`|Det|Mt|Ft|Adj|Adv|Asst|Assoc|Ens|Insp|Mlle|Mme|Msgr|Sfc)`,
	"inner":  `({titles}|vs|Alex|Wm|Jos|Cie|a\.k\.a|cf|TREAS|Ph|{initials}|Invt|Elec|Natl|M[ft]g|Dept)`,
	"counts": `((ca|figs?|prop|nos?|art|bldg|pp|op)\.)`,
	"starts": `([A]bout|[A]ccording|[A]dditionally|[A]fter|[A]n|[A]|[A]s|[A]t|[B]ut|[E]arlier|[H]e|[H]er|[H]ere|[H]owever|[I]f|[I]n|[I]t|[L]ast|[M]any|[M]ore|[M]r\.|[M]s\.|[N]ow|[O]nce|[O]ne|[O]ther|[O]ur` +
		`|[S]he|[S]ince|[S]o|[S]ome|[S]uch|[T]hat|[T]he|[T]heir|[T]hen|[T]here|[T]hese|[T]hey|[T]his|[W]e|[W]hen|[W]hile|[W]hat|[Y]et|[Y]ou|{markup})`,

	// Signs.
	"comma":  `[,;:\u3001]`,
	"dots":   `(\.{3,5}|(\.[ \u00A0]){2,4}\.|[\u0085\u2026])`,
	"quotes": "({apos}|''|[`\\u2018\\u2019\\u201A\\u201B\\u201C\\u201D\\u0091\\u0092\\u0093\\u0094\\u201E\\u201F\\u2039\\u203A\\u00AB\\u00BB]{1,2})",
	"double": `("|&quot;)`,
	"smiley": `([<>]?[:;=][\-o*']?[()DPdpO\\{@|\[\]])`,
	"face":   "([\\^x=~<>]\\.\\[\\^x=[^<]*<>\\]|[\\-\\^x=~<>']_[\\-\\^x=~<>']|\\([\\-\\^x=~<>'][_.]?[\\-\\^x=~<>']\\)|\\([\\^x=~<>']-[\\^x=~<>'`]\\))",
	"symbol": `[+%&~\^|\\\u00A6\u00A7\u00A8\u00A9\u00AC\u00AE\u00AF\u00B0-\u00BA\u00D7\u00F7\u0387\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u0600-\u0603\u0606-\u060A\u060C\u0614\u061B\u061E\u066A\u066D` +
		`\u0703-\u070D\u07F6-\u07F8\u0964\u0965\u0E4F\u1FBD\u2016\u2017\u2020-\u2023\u2030-\u2038\u203B\u203E-\u2042\u2044\u207A-\u207F\u208A-\u208E\u2100-\u214F\u2190-\u2BFF\u3012\u30FB` +
		`\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65]`,
}

// rule is one kind of token: what it looks like, what must follow it, and what becomes of it. Of the rules that match
// the longest stretch, what must follow included, the first is taken.
type rule struct {
	token, follow string
	do            action
	arg           string
}

// action makes a token's text of the stretch that a rule matched.
type action int

const (
	keep     action = iota
	split           // the last len(arg) units are another token
	noHyphen        // without soft hyphens
	period          // the period at the end is a token once more
	acronym         // likewise, but of one letter: the period is a token by itself
	dashes          // three or four become two
	become          // arg
	skip            // no token
	// These change more than the case of ASCII letters.
	joint       // spaces inside become no-break spaces
	parens      // round brackets are written out
	jointParens // both
	plainAmp    // &amp; becomes &
	leftQuote   // as LaTeX has them
	rightQuote  // likewise
	money       // Penn Treebank's signs
	vulgar      // ½ becomes 1/2
)

var rules = []rule{
	{token: `c[+][+]`},
	{token: `(c|f)#`},
	{token: `cannot`, do: split, arg: "not"},
	{token: `'twas`, do: split, arg: "was"},
	{token: `'tis`, do: split, arg: "is"},
	{token: `gonna|gotta|lemme|gimme|wanna`, do: split, arg: "na"},
	{token: `{markup}`, do: joint},
	{token: `&(MD|mdash|ndash);|[\u0096\u0097\u2013\u2014\u2015]`, do: become, arg: "--"},
	{token: `{amp}`, do: plainAmp},
	{token: `&(HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);`},
	{token: `{word}`, follow: `{ending}`, do: noHyphen},
	{token: `{stem}`, follow: `{not}`, do: noHyphen},
	{token: `{word}`, do: noHyphen},
	{token: `{apostrophed}`},
	{token: `y{apos}`, follow: `[{letter}]`},
	{token: `{url}`},
	{token: `{host}{path}?`},
	{token: `{mail}`},
	{token: `@[a-zA-Z_][a-zA-Z_0-9]*|#{letter}+`},
	{token: `{ending}`, follow: `[^A-Za-z]`, do: rightQuote},
	{token: `{not}`, follow: `[^A-Za-z]`, do: rightQuote},
	{token: `{date}`},
	{token: `{number}`, do: noHyphen},
	{token: `{script}`},
	{token: `{fraction}`, do: joint},
	{token: `[\u00BC\u00BD\u00BE\u2153-\u215E]`, do: vulgar},
	{token: `{special}`, do: plainAmp},
	{token: `{slashpart}(\\?\/{slashpart}){1,2}`},
	{token: `[A-Z]*\$|#`},
	{token: `[\u00A2\u00A3\u00A4\u00A5\u0080\u20A0\u20AC\u060B\u0E3F\u20A4\uFFE0\uFFE1\uFFE5\uFFE6]`, do: money},
	{token: `{initials}\.`, follow: `{blank}+{starts}{blank}`, do: acronym},
	{token: `{counts}`, follow: `{blank}?[{digit}]`},
	{token: `(pt[eyEY]|co)\.`, follow: `{space}(ltd|lim)`},
	{token: `{final}`, follow: `{blank}({blank}|[{upper}]|{markup})`, do: period},
	{token: `{final}`, follow: `[^][^]`},
	{token: `{final}`, do: period},
	{token: `{inner}\.`},
	{token: `{inner}`, follow: `{space}`},
	{token: `{initials}`, follow: `{blank}`},
	{token: `{apos}[0-9][0-9]`, follow: `{blank}`},
	{token: `{file}`, follow: `({blank}|[.?!,])`},
	{token: `{word}\.`, follow: `{comma}`, do: noHyphen},
	{token: `{phone}`, do: jointParens},
	{token: `{double}`, follow: `[A-Za-z0-9$]`, do: leftQuote},
	{token: `{double}`, do: rightQuote},
	{token: `\u007F`, do: skip},
	{token: `<|&lt;`, do: become, arg: "<"},
	{token: `>|&gt;`, do: become, arg: ">"},
	{token: `{smiley}`, follow: `[^A-Za-z0-9]`, do: parens},
	{token: `{face}`, do: parens},
	{token: `\{`, do: become, arg: "-LCB-"},
	{token: `\}`, do: become, arg: "-RCB-"},
	{token: `\[`, do: become, arg: "-LSB-"},
	{token: `\]`, do: become, arg: "-RSB-"},
	{token: `\(`, do: become, arg: "-LRB-"},
	{token: `\)`, do: become, arg: "-RRB-"},
	{token: `-+`, do: dashes},
	{token: `{dots}`, do: become, arg: "..."},
	{token: `@+|#+|_+`},
	{token: `\*+|(\\\*){1,3}`},
	{token: `{comma}`},
	{token: `[?!]+`},
	{token: `[.\u00A1\u00BF\u037E\u0589\u061F\u06D4\u0700-\u0702\u07FA\u3002]`},
	{token: `=`},
	{token: `\/`},
	{token: `{compound}\.`, follow: `{comma}`, do: noHyphen},
	{token: `{compound}`, do: noHyphen},
	{token: `{joined}\.`, follow: `{comma}`},
	{token: `{joined}`},
	{token: `{company}\.`, follow: `{comma}`, do: plainAmp},
	{token: `{company}`, do: plainAmp},
	{token: `'`, follow: `[A-Za-z][^ \t\n\r\u00A0]`, do: leftQuote},
	{token: `{ending}`, do: rightQuote},
	{token: `{not}`, do: rightQuote},
	{token: `{quotes}`, do: rightQuote},
	{token: `<<|>>`},
	{token: `{symbol}`},
	{token: `\u0000|{space}+|[\u200B\u200E\u200F\uFEFF]`, do: skip},
	{token: `{break}`, do: skip},
	{token: `&nbsp;`, do: skip},
	{token: `.`, do: skip}, // no token begins with it: dropped
}
