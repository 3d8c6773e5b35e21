// Command benchtable makes the table and the plot of a comparison's folder: benchtable FOLDER
//
// Before the comparison, benchtable begin FOLDER makes the folder and notes date, machine and commit.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/captionlab/captionlab/internal/bench"
	"github.com/captionlab/captionlab/internal/runfolder"
)

func main() {
	err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "benchtable: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1:
		page, err := bench.Write(args[0])
		fmt.Print(page)
		return err
	case len(args) == 2 && args[0] == "begin":
		return bench.Begin(args[1], setting())
	}
	return errors.New("usage: benchtable FOLDER, or benchtable begin FOLDER")
}

// setting is this machine, now.
func setting() bench.Setting {
	p := runfolder.Provenance(context.Background())
	s := bench.Setting{Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Commit: fmt.Sprintf("%.12s", p.GitCommit),
		Machine: fmt.Sprintf("%d cores of %s, %s, %s", p.Host.Cores, p.Host.CPU, humanize.IBytes(uint64(p.Host.MemoryBytes)), p.Host.OS),
		Quick:   os.Getenv("CAPTIONLAB_BENCH_QUICK") != ""}
	if p.GitDirty {
		s.Commit += " with changes"
	}
	return s
}
