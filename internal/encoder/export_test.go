package encoder

// For tests in package encoder_test, which may open a backend.
var (
	Preprocess     = preprocess
	Winograd       = winograd
	WinogradKernel = winogradKernel
)

func (e *Encoder) Preprocessing() string { return e.preprocessing() }
