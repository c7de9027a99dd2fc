package harness

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Resident is the memory of a process that is in RAM, in bytes.
type Resident struct {
	Anon float64 // heap and stacks
	File float64 // pages of mapped files: the db and the binary
}

// Resident returns a member's memory (Linux: /proc/PID/status).
func (c *Cluster) Resident(member int) (Resident, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", c.process[member].PID))
	if err != nil {
		return Resident{}, fmt.Errorf("harness: %w", err)
	}
	defer f.Close()
	var r Resident
	for lines := bufio.NewScanner(f); lines.Scan(); {
		field := strings.Fields(lines.Text())
		if len(field) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(field[1], 64)
		switch field[0] {
		case "RssAnon:":
			r.Anon = kib * 1024
		case "RssFile:":
			r.File = kib * 1024
		}
	}
	return r, nil
}

// Processor returns the processor time that a member has taken (Linux: /proc/PID/stat).
func (c *Cluster) Processor(member int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.process[member].PID))
	if err != nil {
		return 0, fmt.Errorf("harness: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	field := strings.Fields(rest)
	if len(field) < 13 {
		return 0, errors.New("harness: /proc/PID/stat is short")
	}
	user, errUser := strconv.ParseInt(field[11], 10, 64)
	system, errSystem := strconv.ParseInt(field[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	return time.Duration(user+system) * tick, errors.Join(errUser, errSystem)
}

// Shutdown ends a member as SIGTERM does.
func (c *Cluster) Shutdown(member int) error { return c.process[member].Close() }

// Again starts a member that was stopped, and returns the time until it serves.
func (c *Cluster) Again(member int) (time.Duration, error) {
	start := time.Now()
	err := c.Restart(member)
	return time.Since(start), err
}
