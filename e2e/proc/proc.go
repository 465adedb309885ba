package proc

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Process is one child that was started.
type Process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts cmd in a process group of its own; what SysProcAttr says beside that is
// the caller's. The name is for messages.
func Start(name string, cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Pid is the child's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended: nil while it runs and after exit code 0.
func (p *Process) Err() error {
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("%s: %w", p.name, p.err)
		}
	default:
	}
	return nil
}

// Running says that the child has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends sig; a child that has ended is left alone.
func (p *Process) Signal(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
}

// Kill sends SIGKILL and waits for the end.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Stop sends SIGTERM, after grace SIGKILL, and waits for the end.
func (p *Process) Stop(grace time.Duration) {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		p.Kill()
	}
}

// ErrEnded is returned by Await when the child ended before it was ready.
var ErrEnded = errors.New("ended before it was ready")

// Await calls ready every 20 ms until it gives nil, the child ends or the
// deadline passes; then the last error of ready is in the answer.
func (p *Process) Await(deadline time.Time, ready func() error) error {
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if !p.Running() {
			return fmt.Errorf("%s %w: %w", p.name, ErrEnded, errors.Join(p.Err(), err))
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready in time: %w", p.name, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
