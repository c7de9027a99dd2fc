package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/etcd/api/v3/version"
)

// serveVariable names the environment variable that turns a process into one etcd member. It holds
// the Config.
const serveVariable = "REDLINE_ETCD_SERVE"

// serveCalled records that this binary can serve: Spawn would otherwise run the caller's main a
// second time.
var serveCalled atomic.Bool

// Serve must be called first in main or TestMain of a binary that calls [Spawn]. In a child
// process that is an etcd member it runs that etcd and never returns. Anywhere else it returns at
// once.
func Serve() {
	serveCalled.Store(true)
	text := os.Getenv(serveVariable)
	if text == "" {
		return
	}
	var c Config
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = Run(c)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Run starts an etcd, prints "ready VERSION", and stops it when standard input ends. So a member
// does not outlive the process that started it, however that ends.
func Run(c Config) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	etcd, err := Start(c)
	if err != nil {
		return err
	}
	fmt.Println("ready", version.Version)
	io.Copy(io.Discard, os.Stdin)
	time.AfterFunc(5*time.Second, func() { os.Exit(0) }) // a stuck disk must not keep it: it is a test's etcd
	etcd.Close()
	return nil
}

// A Process is an etcd member in a process of its own, so that its metrics are its own.
type Process struct {
	Version string // as etcd says it, e.g. 3.6.16
	PID     int

	cmd *exec.Cmd
	in  io.WriteCloser

	killed bool
}

// Spawn prepares a copy of this binary as an etcd member. [Process.Ready] starts it and waits
// until it serves. The members of a cluster wait for each other, so call that at the same time for
// all.
func Spawn(c Config) (*Process, error) {
	if !serveCalled.Load() {
		return nil, errors.New("server: Serve has not been called, want it first in main or TestMain")
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	exe := c.Binary
	if exe == "" {
		if exe, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
	}
	p := &Process{cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), serveVariable+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return p, nil
}

// Ready starts the process and waits until etcd serves.
func (p *Process) Ready() error {
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("server: start: %w", err)
	}
	p.PID = p.cmd.Process.Pid
	line, err := bufio.NewReader(out).ReadString('\n')
	var ok bool
	if p.Version, ok = strings.CutPrefix(strings.TrimSpace(line), "ready "); !ok {
		return errors.Join(fmt.Errorf("server: etcd says %q", line), err, p.Close())
	}
	return nil
}

// Kill ends the member at once, as a lost node does, and waits for its end.
func (p *Process) Kill() error {
	if p.cmd.Process == nil {
		return errors.New("server: the process was not started")
	}
	p.killed = true
	p.in.Close()
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("server: kill: %w", err)
	}
	_ = p.cmd.Wait() // it says that it was killed
	return nil
}

// Abort kills the member and does not wait: [Process.Ready], which does, returns an error.
func (p *Process) Abort() {
	if p.cmd.Process != nil {
		p.cmd.Process.Kill() //nolint:errcheck // it has ended already
	}
}

// Close stops the member and waits for its end.
func (p *Process) Close() error {
	p.in.Close()
	if p.cmd.Process == nil || p.killed {
		return nil
	}
	late := time.AfterFunc(15*time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("server: etcd: %w", err)
	}
	return nil
}
