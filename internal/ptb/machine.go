package ptb

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// machine is the deterministic automaton of all rules, built on the way: a state is worked out when a text first
// leads to it. Any number of goroutines may use it.
type machine struct {
	class   [1 << 16]uint8 // of a UTF-16 unit: units that no set tells apart share one
	classes int

	mu     sync.Mutex
	nodes  []machineNode
	states map[string]*state
	seen   []int // by node: the last search that met it
	search int
}

// machineNode is a node of the program as the search for states needs it.
type machineNode struct {
	reads   []bool // by class; nil: nothing is read
	ends    int    // what is accepted without reading more; 0: nothing
	reached []int  // the nodes that read, from here without reading
	out     int
}

// state is a set of nodes that read.
type state struct {
	accept int // 1 + the first rule that ends here; 0: none
	nodes  []int
	next   []atomic.Pointer[state] // by class; nil: not worked out yet
	number int32                   // in the order in which they were worked out
}

// dead is the state that leads nowhere.
var dead = &state{}

func newMachine(p program) *machine {
	m := &machine{states: map[string]*state{}, nodes: make([]machineNode, len(p.nodes)), seen: make([]int, len(p.nodes))}
	samples := m.classify(p.sets)
	reads := make([][]bool, len(p.sets))
	for id, set := range p.sets {
		reads[id] = make([]bool, m.classes)
		for class, unit := range samples {
			reads[id][class] = contains(set, unit)
		}
	}
	for at, n := range p.nodes {
		m.nodes[at].out = n.out
		if n.set >= 0 {
			m.nodes[at].reads = reads[n.set]
		}
		m.close(p, at)
	}
	return m
}

// close finds the nodes that read which are reached from a node without reading, and what is accepted on the way.
func (m *machine) close(p program, at int) {
	m.search++
	n := &m.nodes[at]
	for left := []int{at}; len(left) > 0; {
		next := left[len(left)-1]
		left = left[:len(left)-1]
		if next < 0 || m.seen[next] == m.search {
			continue
		}
		m.seen[next] = m.search
		other := p.nodes[next]
		if other.set >= 0 {
			n.reached = append(n.reached, next)
			continue
		}
		if other.accept > 0 && (n.ends == 0 || other.accept < n.ends) {
			n.ends = other.accept
		}
		left = append(left, other.out, other.alt)
	}
}

// classify numbers the classes of units, and returns a unit of each.
func (m *machine) classify(sets [][]span) (samples []uint16) {
	edges := map[int]bool{0: true}
	for _, set := range sets {
		for _, s := range set {
			edges[int(s.lo)], edges[int(s.hi)+1] = true, true
		}
	}
	starts := make([]int, 0, len(edges))
	for e := range edges {
		if e <= 0xffff {
			starts = append(starts, e)
		}
	}
	slices.Sort(starts)
	members := make([][]byte, len(starts)) // of each stretch: a bit for each set that holds it
	for n := range members {
		members[n] = make([]byte, (len(sets)+7)/8)
	}
	for id, set := range sets {
		for _, s := range set {
			from, _ := slices.BinarySearch(starts, int(s.lo))
			for n := from; n < len(starts) && starts[n] <= int(s.hi); n++ {
				members[n][id/8] |= 1 << (id % 8)
			}
		}
	}
	known := map[string]uint8{}
	for n, start := range starts {
		class, ok := known[string(members[n])]
		if !ok {
			class = uint8(len(known)) // fewer than 256: a test counts them
			known[string(members[n])] = class
			samples = append(samples, uint16(start))
		}
		end := 1 << 16
		if n+1 < len(starts) {
			end = starts[n+1]
		}
		for u := start; u < end; u++ {
			m.class[u] = class
		}
	}
	m.classes = len(samples)
	return samples
}

// start is the state before anything was read, at these nodes.
func (m *machine) start(nodes ...int) *state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state(nodes)
}

// step reads one unit.
func (m *machine) step(s *state, unit uint16) *state {
	class := m.class[unit]
	if next := s.next[class].Load(); next != nil {
		return next
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var nodes []int
	for _, n := range s.nodes {
		if m.nodes[n].reads[class] {
			nodes = append(nodes, m.nodes[n].out)
		}
	}
	next := m.state(nodes)
	s.next[class].Store(next)
	return next
}

// state finds or makes the state of these nodes and all that they reach without reading.
func (m *machine) state(nodes []int) *state {
	if len(nodes) == 0 {
		return dead
	}
	m.search++
	accept := 0
	var kept []int
	for _, at := range nodes {
		n := &m.nodes[at]
		if n.ends > 0 && (accept == 0 || n.ends < accept) {
			accept = n.ends
		}
		for _, r := range n.reached {
			if m.seen[r] != m.search {
				m.seen[r] = m.search
				kept = append(kept, r)
			}
		}
	}
	slices.Sort(kept)
	key := binary.AppendUvarint(nil, uint64(accept))
	for _, n := range kept {
		key = binary.AppendUvarint(key, uint64(n))
	}
	s, ok := m.states[string(key)]
	if !ok {
		s = &state{accept: accept, nodes: kept, next: make([]atomic.Pointer[state], m.classes), number: int32(len(m.states))}
		m.states[string(key)] = s
	}
	return s
}

func contains(set []span, unit uint16) bool {
	n, exact := slices.BinarySearchFunc(set, unit, func(s span, u uint16) int { return int(s.lo) - int(u) })
	return exact || n > 0 && set[n-1].hi >= unit
}
