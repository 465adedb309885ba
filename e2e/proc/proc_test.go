package proc_test

import (
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/proc"
)

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	cmd := exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 1; done`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start("deaf", cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	p.Stop(50 * time.Millisecond)
	if p.Running() || p.Err() == nil {
		t.Errorf("running %v, ended with %v", p.Running(), p.Err())
	}
}

func TestAwaitTellsThatItEnded(t *testing.T) {
	p, err := proc.Start("short", exec.Command("sh", "-c", "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Await(time.Now().Add(time.Minute), func() error { return errors.New("not yet") })
	if !errors.Is(err, proc.ErrEnded) {
		t.Errorf("%v, want that it ended", err)
	}
}
