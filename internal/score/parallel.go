package score

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls do for 0 to n-1, on all processors, in no order.
func parallel(n int, do func(n int)) {
	parallelWith(n, func() func(int) { return do })
}

// parallelWith does so with a function for each processor, which may keep memory of its own.
func parallelWith(n int, worker func() func(n int)) {
	const batch = 64
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(1, min(runtime.GOMAXPROCS(0), n/batch)) {
		group.Go(func() {
			do := worker()
			for {
				from := int(next.Add(batch)) - batch
				if from >= n {
					return
				}
				for i := from; i < min(from+batch, n); i++ {
					do(i)
				}
			}
		})
	}
	group.Wait()
}
