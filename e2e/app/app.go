package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
)

// command is the hidden first argument that makes a program an application.
const command = "app-child"

// Tally is who answered.
type Tally struct {
	// Endpoints counts answers by the backend's own IP:PORT.
	Endpoints map[string]int `json:"endpoints"`
	// Failures are in the order in which they came.
	Failures []string `json:"failures"`
}

// Child asks and never returns if the program was started by Run; otherwise it returns at
// once. Call it first in main or TestMain.
func Child() {
	if len(os.Args) != 5 || os.Args[1] != command {
		return
	}
	n, _ := strconv.Atoi(os.Args[2])
	if err := json.NewEncoder(os.Stdout).Encode(ask(n, os.Args[3] == "true", os.Args[4])); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// ask sends n requests one after the other; fresh ones have a connection each.
func ask(n int, fresh bool, url string) Tally {
	t := Tally{Endpoints: map[string]int{}}
	dial := net.Dialer{Timeout: 5 * time.Second} // the kernel answers, however slow the rest is
	client := http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: fresh, DialContext: dial.DialContext}, // no Proxy
	}
	for range n {
		if got, err := one(&client, url); err != nil {
			t.Failures = append(t.Failures, err.Error())
		} else {
			t.Endpoints[got]++
		}
	}
	return t
}

func one(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, resp.Status)
	}
	return resp.Header.Get(backend.EndpointHeader), nil
}

// App is how to run it.
type App struct {
	// Binary is a program that calls Child and that UID may run; UID is a user.
	Binary string
	UID    uint32
	// Through is a command that the application is run by, such as nsenter with flags.
	Through []string
}

// Run asks a URL n times, each time by a new connection if fresh.
func (a App) Run(ctx context.Context, n int, fresh bool, url string) (Tally, error) {
	line := append(append([]string{}, a.Through...), a.Binary, command, strconv.Itoa(n), strconv.FormatBool(fresh), url)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.UID, Gid: a.UID}, Pdeathsig: syscall.SIGKILL}
	cmd.Dir = "/"
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	t := Tally{}
	if err := cmd.Run(); err != nil {
		return t, fmt.Errorf("the application: %w: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	if err := json.Unmarshal(out.Bytes(), &t); err != nil {
		return t, fmt.Errorf("the application printed %q: %w", out.Bytes(), err)
	}
	return t, nil
}
