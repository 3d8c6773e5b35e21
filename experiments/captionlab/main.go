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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first Ctrl-C ends the run after its current step; a second one kills
	return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
