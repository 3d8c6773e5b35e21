// Command benchtable makes the table and the plot of a comparison's folder: benchtable results/bench/<UTC time>
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/runfolder"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: benchtable FOLDER")
		os.Exit(2)
	}
	page, err := bench.Write(os.Args[1], setting())
	fmt.Print(page)
	if err != nil {
		fmt.Fprintf(os.Stderr, "benchtable: %v\n", err)
		os.Exit(1)
	}
}

// setting is this machine, now.
func setting() bench.Setting {
	p := runfolder.Provenance(context.Background())
	s := bench.Setting{Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Commit: fmt.Sprintf("%.12s", p.GitCommit),
		Machine: fmt.Sprintf("%d cores of %s, %s, %s", p.Host.Cores, p.Host.CPU, humanize.IBytes(uint64(p.Host.MemoryBytes)), p.Host.OS)}
	if p.GitDirty {
		s.Commit += " with changes"
	}
	return s
}
