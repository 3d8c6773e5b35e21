package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// PowerLaw is y = A·n^(-B) + C, fitted by least squares, the usual form of learning curves over the size of the data
// (Viering & Loog 2023, "The Shape of Learning Curves"). B > 0 with A > 0 falls towards C, with A < 0 it rises towards C.
type PowerLaw struct {
	A, B, C float64
	Limit   bool // false: C is 0 and was not fitted
	// Errors are the standard errors of A, B and C, from the residuals' variance and the Jacobian at the solution, as
	// scipy.optimize.curve_fit has them.
	Errors [3]float64
	Points int
	// Free is the number of points less that of parameters.
	Free     int
	Residual float64 // standard deviation of the residuals, over Free

	covariance *mat.SymDense // of the fitted parameters
}

// Confidence of the intervals of a power law.
const confidence = 0.95

// ErrNoPowerLaw is wrapped by the error for points that no power law can be fitted to.
var ErrNoPowerLaw = errors.New("no power law")

// FitPowerLaw fits y(n). With a limit C where the points allow it: four different n at least, and a best fit that has
// one, C not below 0 and B in the open range (0.01, 5); else without. For a given B the best A and C follow from linear least
// squares, so that one parameter alone is searched, over its whole range: there is no start to guess and none to miss.
func FitPowerLaw(n, y []float64) (*PowerLaw, error) {
	if len(n) != len(y) {
		return nil, fmt.Errorf("%d sizes for %d values", len(n), len(y))
	}
	for i := range n {
		if !(n[i] > 0) || math.IsInf(n[i], 0) || math.IsNaN(y[i]) || math.IsInf(y[i], 0) {
			return nil, fmt.Errorf("%w through (%g, %g)", ErrNoPowerLaw, n[i], y[i])
		}
	}
	sizes := slices.Compact(slices.Sorted(slices.Values(n)))
	if len(sizes) < 3 || len(n) < 3 {
		return nil, fmt.Errorf("%w through %d sizes: it takes three", ErrNoPowerLaw, len(sizes))
	}
	if len(sizes) >= 4 {
		const low, high = 0.01, 5
		if b := searchExponent(n, y, true, low, high); b > low*1.01 && b < high*0.99 {
			if p, err := newPowerLaw(n, y, b, true); err == nil && p.C >= 0 {
				return p, nil
			}
		}
	}
	return newPowerLaw(n, y, searchExponent(n, y, false, -3, 5), false)
}

// searchExponent finds the exponent with the least squared residuals: on a grid, then between the best one's neighbours.
func searchExponent(n, y []float64, limit bool, low, high float64) float64 {
	const steps = 400
	sum := func(b float64) float64 { _, _, sum := solveLinear(n, y, b, limit); return sum }
	best, least := low, math.Inf(1)
	step := (high - low) / steps
	for i := range steps + 1 {
		b := low + float64(i)*step
		if s := sum(b); s < least {
			best, least = b, s
		}
	}
	// golden section
	left, right := max(low, best-step), min(high, best+step)
	ratio := (math.Sqrt(5) - 1) / 2
	for right-left > 1e-12*(1+math.Abs(left)) {
		a, b := right-ratio*(right-left), left+ratio*(right-left)
		if a == left || b == right {
			break
		}
		if sum(a) < sum(b) {
			right = b
		} else {
			left = a
		}
	}
	return (left + right) / 2
}

// solveLinear finds A and C for an exponent, and the sum of the squared residuals. Sizes are taken relative to the
// smallest, so that powers stay near 1, and A is scaled back.
func solveLinear(n, y []float64, b float64, limit bool) (a, c, sum float64) {
	unit := slices.Min(n)
	var mx, my, sxx, sxy float64
	count := float64(len(n))
	x := make([]float64, len(n))
	for i := range n {
		x[i] = math.Pow(n[i]/unit, -b)
		mx, my = mx+x[i]/count, my+y[i]/count
	}
	if !limit {
		mx, my = 0, 0
	}
	for i := range n {
		sxx += (x[i] - mx) * (x[i] - mx)
		sxy += (x[i] - mx) * (y[i] - my)
	}
	if sxx == 0 {
		return 0, 0, math.Inf(1)
	}
	a = sxy / sxx
	c = my - a*mx
	for i := range n {
		r := y[i] - a*x[i] - c
		sum += r * r
	}
	return a * math.Pow(unit, b), c, sum
}

func newPowerLaw(n, y []float64, b float64, limit bool) (*PowerLaw, error) {
	p := &PowerLaw{B: b, Limit: limit, Points: len(n)}
	var sum float64
	p.A, p.C, sum = solveLinear(n, y, b, limit)
	parameters := 2
	if limit {
		parameters = 3
	}
	p.Free = len(n) - parameters
	if p.Free < 1 || p.A == 0 || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("%w: %d points leave nothing to judge %d parameters by", ErrNoPowerLaw, len(n), parameters)
	}
	variance := sum / float64(p.Free)
	p.Residual = math.Sqrt(variance)
	// Columns are scaled to length 1: A and B differ by orders of magnitude.
	scale := make([]float64, parameters)
	for _, size := range n {
		for k, g := range p.gradient(size) {
			scale[k] += g * g
		}
	}
	products := mat.NewSymDense(parameters, nil)
	for k := range scale {
		if scale[k] = math.Sqrt(scale[k]); scale[k] == 0 {
			return nil, fmt.Errorf("%w: the points do not determine it", ErrNoPowerLaw)
		}
	}
	for _, size := range n {
		g := p.gradient(size)
		for k := range g {
			for l := k; l < len(g); l++ {
				products.SetSym(k, l, products.At(k, l)+g[k]*g[l]/scale[k]/scale[l])
			}
		}
	}
	var cholesky mat.Cholesky
	p.covariance = mat.NewSymDense(parameters, nil)
	if !cholesky.Factorize(products) {
		return nil, fmt.Errorf("%w: the points do not determine it", ErrNoPowerLaw)
	}
	if err := cholesky.InverseTo(p.covariance); err != nil {
		var condition mat.Condition
		if !errors.As(err, &condition) || math.IsInf(float64(condition), 0) {
			return nil, fmt.Errorf("%w: %w", ErrNoPowerLaw, err)
		}
	}
	for k := range parameters {
		for l := k; l < parameters; l++ {
			p.covariance.SetSym(k, l, p.covariance.At(k, l)*variance/scale[k]/scale[l])
		}
		p.Errors[k] = math.Sqrt(p.covariance.At(k, k))
	}
	return p, nil
}

// gradient is that of y(n) by the fitted parameters.
func (p *PowerLaw) gradient(n float64) []float64 {
	power := math.Pow(n, -p.B)
	g := []float64{power, -p.A * power * math.Log(n)}
	if p.Limit {
		g = append(g, 1)
	}
	return g
}

// At is the curve's value at n.
func (p *PowerLaw) At(n float64) float64 { return p.A*math.Pow(n, -p.B) + p.C }

// Band is the 95 % interval of the curve at n, by the delta method with Student's t of Free degrees.
func (p *PowerLaw) Band(n float64) (low, high float64) {
	g := mat.NewVecDense(p.covariance.SymmetricDim(), p.gradient(n))
	half := p.quantile() * math.Sqrt(max(0, mat.Inner(g, p.covariance, g)))
	return p.At(n) - half, p.At(n) + half
}

// Interval is the 95 % interval of the parameter k: 0 for A, 1 for B, 2 for C.
func (p *PowerLaw) Interval(k int) (low, high float64) {
	value := [3]float64{p.A, p.B, p.C}[k]
	half := p.quantile() * p.Errors[k]
	return value - half, value + half
}

func (p *PowerLaw) quantile() float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(p.Free)}.Quantile(1 - (1-confidence)/2)
}
