// Command captionlab runs image captioning experiments. It is a thin shell over package experiments, a file a verb.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(mainCode()) }

func mainCode() int {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	// A reader that ends early, as head does, must not kill a run: log.txt has its messages, and writes fail.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	context.AfterFunc(ctx, stop) // the first Ctrl-C ends the run after its current step; a second one kills
	return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
