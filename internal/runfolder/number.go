package runfolder

import (
	"encoding/json"
	"math"
)

// Number is a float64 whose NaN and infinities are JSON's null, which reads back as NaN. A training run that
// diverges must still be able to write what it saw.
type Number float64

func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n *Number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(n))
}

// Values are named figures. NaN and infinities are written as null and read back as NaN.
type Values map[string]float64

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	m := make(map[string]Number, len(v))
	for k, x := range v {
		m[k] = Number(x)
	}
	return json.Marshal(m)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(data []byte) error {
	var m map[string]*Number // a pointer, because a null in a map never reaches Number's UnmarshalJSON
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	*v = make(Values, len(m))
	for k, x := range m {
		if x == nil {
			(*v)[k] = math.NaN()
		} else {
			(*v)[k] = float64(*x)
		}
	}
	return nil
}
