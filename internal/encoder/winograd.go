package encoder

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Winograd's minimal filtering F(2×2, 3×3) (Lavin & Gray 2016, arXiv:1509.09308, section 4.1): a 3×3 convolution over
// 4×4 tiles, two pixels apart, as 16 matrix products, with 16 multiplications for 4 results where the plain sum has
// 36. Its rounding errors are those of the plain sum. XLA's CPU convolution is plain, so this saves a quarter of
// VGG16's time there; below minWinogradChannels, moving the tiles costs more than it saves. On a GPU, cuDNN chooses
// such algorithms by itself.
const minWinogradChannels = 128

// winogradTiles takes one axis of a tile apart: Bᵀ of the paper, of which a row has two entries, 1 or -1.
var winogradTiles = [4]struct {
	a, b  int
	minus bool
}{{0, 2, true}, {1, 2, false}, {2, 1, true}, {1, 3, true}}

// winogradKernel is G·k·Gᵀ for every pair of channels: [3, 3, in, out] -> [16, in, out].
func winogradKernel(kernel []float32, in, out int) []float32 {
	size := in * out
	transformed := make([]float32, 16*size)
	// G, one axis: k0, (k0+k1+k2)/2, (k0-k1+k2)/2, k2
	spread := func(k0, k1, k2 float32) [4]float32 {
		return [4]float32{k0, (k0 + k1 + k2) / 2, (k0 - k1 + k2) / 2, k2}
	}
	for n := range size {
		var rows [3][4]float32
		for h := range 3 {
			rows[h] = spread(kernel[3*h*size+n], kernel[(3*h+1)*size+n], kernel[(3*h+2)*size+n])
		}
		for w := range 4 {
			for h, v := range spread(rows[0][w], rows[1][w], rows[2][w]) {
				transformed[(4*h+w)*size+n] = v
			}
		}
	}
	return transformed
}

// winograd convolves x [batch, height, width, in] (even height and width) with a transformed kernel [16, in, out],
// stride 1, same padding: [batch, height, width, out].
func winograd(x, kernel *Node) *Node {
	batch, height, width, in := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2), x.Shape().Dim(3)
	out := kernel.Shape().Dim(-1)
	kernel.AssertDims(16, in, out)
	rows, columns := height/2, width/2 // of tiles
	around := PadAxis{Start: 1, End: 1}
	x = Pad(x, ScalarZero(x.Graph(), dtypes.Float32), PadAxis{}, around, around, PadAxis{})
	every2nd := func(from, tiles int) SliceAxisSpec { return AxisRange(from, from+2*tiles-1).Stride(2) }
	combine := func(pixel func(int) *Node, n int) *Node {
		if t := winogradTiles[n]; t.minus {
			return Sub(pixel(t.a), pixel(t.b))
		}
		return Add(pixel(winogradTiles[n].a), pixel(winogradTiles[n].b))
	}
	var products [4][4]*Node // each [batch*rows*columns, out]
	for h := range 4 {
		row := combine(func(n int) *Node { return Slice(x, AxisRange(), every2nd(n, rows), AxisRange(), AxisRange()) }, h)
		for w := range 4 {
			tile := combine(func(n int) *Node { return Slice(row, AxisRange(), AxisRange(), every2nd(n, columns), AxisRange()) }, w)
			part := Reshape(Slice(kernel, AxisRange(4*h+w, 4*h+w+1)), in, out)
			products[h][w] = Dot(Reshape(tile, batch*rows*columns, in), part).Product()
		}
	}
	// Aᵀ of the paper, one axis: m0+m1+m2, m1-m2-m3
	gather := func(m [4]*Node) [2]*Node {
		return [2]*Node{Add(Add(m[0], m[1]), m[2]), Sub(Sub(m[1], m[2]), m[3])}
	}
	var byWidth [4][2]*Node
	for h := range 4 {
		byWidth[h] = gather(products[h])
	}
	var pixels [2][2]*Node
	for w := range 2 {
		for h, p := range gather([4]*Node{byWidth[0][w], byWidth[1][w], byWidth[2][w], byWidth[3][w]}) {
			pixels[h][w] = Reshape(p, batch, rows, 1, columns, 1, out)
		}
	}
	top, bottom := Concatenate(pixels[0][:], 4), Concatenate(pixels[1][:], 4)
	return Reshape(Concatenate([]*Node{top, bottom}, 2), batch, height, width, out)
}
