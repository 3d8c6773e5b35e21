package tensorboard

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// HParam is a hyperparameter: a key of a config and its value, a string, a float64 or a bool.
type HParam struct {
	Name    string
	Value   any
	Differs bool // TensorBoard shows those first that differ
}

// Metric is a scalar by which runs are compared in the HPARAMS tab.
type Metric struct {
	Tag, Name  string // the scalar's tag; the column's title
	Validation bool   // else of training, or of neither
}

// The tags by which the hparams plugin finds its summaries.
const (
	experimentTag   = "_hparams_/experiment"
	sessionStartTag = "_hparams_/session_start_info"
	sessionEndTag   = "_hparams_/session_end_info"
)

// Experiment says which hyperparameters and metrics the HPARAMS tab has columns for.
func Experiment(description string, created time.Time, params []HParam, metrics []Metric) Value {
	e := text(nil, 1, description)
	e = double(e, 3, seconds(created))
	for _, p := range params {
		e = message(e, 4, info(p))
	}
	for _, m := range metrics {
		name := text(nil, 2, m.Tag) // MetricName: no group, which is the session's own folder
		i := message(nil, 1, name)
		i = text(i, 3, m.Name)
		if m.Validation {
			i = integer(i, 5, 2)
		}
		e = message(e, 5, i)
	}
	return hparams(experimentTag, 2, e)
}

// info is an HParamInfo.
func info(p HParam) []byte {
	i := text(nil, 1, p.Name)
	switch p.Value.(type) {
	case bool:
		i = integer(i, 4, 2)
		var domain []byte // a google.protobuf.ListValue
		for _, x := range []bool{false, true} {
			domain = message(domain, 1, protoValue(x))
		}
		i = message(i, 5, domain)
	case float64:
		i = integer(i, 4, 3)
	default:
		i = integer(i, 4, 1)
	}
	if p.Differs {
		i = integer(i, 7, 1)
	}
	return i
}

// SessionStart is a run's hyperparameters, with which it becomes a row of the HPARAMS tab.
func SessionStart(params []HParam, started time.Time) Value {
	var s []byte
	for _, p := range params {
		entry := text(nil, 1, p.Name) // of the map hparams
		s = message(s, 1, message(entry, 2, protoValue(p.Value)))
	}
	return hparams(sessionStartTag, 3, double(s, 5, seconds(started)))
}

// SessionEnd says that a run ended well.
func SessionEnd(ended time.Time) Value {
	const success = 1
	return hparams(sessionEndTag, 4, double(integer(nil, 1, success), 2, seconds(ended)))
}

// hparams wraps a message of the plugin into HParamsPluginData, of version 0, whose field says what it is.
func hparams(tag string, field protowire.Number, m []byte) Value {
	content := message(nil, field, m)
	return tensorValue(tag, metadata("hparams", content, "", "", tensorClass), nullTensor())
}

// protoValue is a google.protobuf.Value.
func protoValue(x any) []byte {
	switch x := x.(type) {
	case float64:
		return double(nil, 2, x)
	case bool:
		n := uint64(0)
		if x {
			n = 1
		}
		return integer(nil, 4, n)
	case string:
		return text(nil, 3, x)
	}
	return integer(nil, 1, 0) // null
}

// seconds is a time as protobuf's doubles have it.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
