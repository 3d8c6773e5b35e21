package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
)

// missing stands for a figure that is not a number.
const missing = "–"

func fixed(x float64, decimals int) string {
	if !finite(x) {
		return missing
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// signed is fixed with a plus before gains and a true minus sign.
func signed(x float64, decimals int) string {
	s := fixed(x, decimals)
	switch {
	case s == missing:
		return s
	case s[0] == '-':
		return "−" + s[1:]
	}
	return "+" + s
}

// percent formats a share.
func percent(share float64) string {
	if !finite(share) {
		return missing
	}
	return fixed(100*share, 1) + " %"
}

// percentChange is part as a percentage of whole.
func percentChange(part, whole float64) string {
	if whole <= 0 {
		return missing
	}
	return fixed(100*part/whole, 0) + " %"
}

func comma(n int) string { return humanize.Comma(int64(n)) }

// duration says how long s seconds are, in two units at most.
func duration(s float64) string {
	if !finite(s) {
		return missing
	}
	if s < 59.95 {
		return fixed(s, 1) + " s"
	}
	d := time.Duration(s * float64(time.Second)).Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}
