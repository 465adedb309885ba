package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/coastwise/coastwise/controlplane"
	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// The exit codes, the same for every command and output format.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	// exitFindings is for commands that look for some.
	exitFindings = 3
	// exitTimeout says that what was waited for did not come in time.
	exitTimeout = 4
	// exitUnreachable says that no server answers.
	exitUnreachable = 5
	// exitSignal plus the number of the signal that would not wait, as a shell says it.
	exitSignal = 128
)

func main() {
	ctx := untilSignal()
	p := process{env: os.LookupEnv, load: load, stdout: os.Stdout, stderr: os.Stderr, terminal: isTerminal(os.Stdout)}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// untilSignal is done at the first SIGINT or SIGTERM; the second ends the process at
// once. Both come by one channel: giving the signal back to the system after the first
// one leaves a moment in which the second is swallowed.
func untilSignal() context.Context {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		again := <-signals
		os.Exit(exitSignal + int(again.(syscall.Signal)))
	}()
	return ctx
}

// process is what a command has of the world beside its arguments.
type process struct {
	env            func(name string) (string, bool)
	load           func(paths, tlsDirs []string, st *store.Store) (*files.Source, error)
	stdout, stderr io.Writer
	terminal       bool // stdout is one
}

// isTerminal says whether somebody sees what is written. /dev/null counts as
// well: there it does not matter.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// whereabouts says in which file and document (from 0) an object stands; ok is
// false if in none.
type whereabouts func(model.ObjectRef) (file string, document int, ok bool)

// run is the whole command: args in, an exit code out.
func (p process) run(ctx context.Context, args []string) int {
	root := newRoot(p)
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", cmd.CommandPath(), err)
	}
	if code == exitUsage {
		fmt.Fprintf(p.stderr, "See '%s --help'.\n", cmd.CommandPath())
	}
	return code
}

// usageError is a call that cannot be understood; the caller has to change it.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode maps an error to the code that tells a script what to do.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(usageError)), errors.As(err, new(*controlplane.ConfigError)):
		return exitUsage
	case errors.As(err, new(findingsError)):
		return exitFindings
	case errors.As(err, new(timeoutError)):
		return exitTimeout
	case errors.As(err, new(unreachableError)), errors.As(err, new(noAPIError)):
		return exitUnreachable
	}
	return exitFailed
}
