package lost

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Processor is a reading of the processors' busy time, in clock ticks: of the whole machine, and of
// this process and its children.
type Processor struct{ All, Idle, Own float64 }

// ReadProcessor reads /proc. It returns the zero Processor where there is none.
func ReadProcessor() Processor {
	var p Processor
	for i, ticks := range allProcessors() {
		switch {
		case i == 3 || i == 4: // idle, iowait
			p.Idle += ticks
		case i >= 8: // guest time is in user time
			continue
		}
		p.All += ticks
	}
	p.Own = ownTicks()
	return p
}

// allProcessors returns the line of all processors in /proc/stat: ticks since the machine started,
// by what they were spent on. It returns nil where there is no such file.
func allProcessors() []float64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var all []float64
	for _, field := range strings.Fields(strings.TrimPrefix(line, "cpu")) {
		ticks, _ := strconv.ParseFloat(field, 64)
		all = append(all, ticks)
	}
	return all
}

// ownTicks returns the user and system time of this process and its children.
func ownTicks() float64 {
	sum, self := 0.0, fmt.Sprint(os.Getpid())
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the name
		field := strings.Fields(rest)
		if len(field) < 13 || field[1] != self && filepath.Base(filepath.Dir(name)) != self {
			continue
		}
		user, _ := strconv.ParseFloat(field[11], 64)
		system, _ := strconv.ParseFloat(field[12], 64)
		sum += user + system
	}
	return sum
}

// OthersSince returns the share of the machine's processors that others, a hypervisor included,
// used since an earlier reading.
func (p Processor) OthersSince(before Processor) float64 {
	all := p.All - before.All
	if all <= 0 {
		return 0
	}
	return min(max((all-(p.Idle-before.Idle)-(p.Own-before.Own))/all, 0), 1)
}

// Stretch returns by how much work takes longer where others have a share of the processors: it
// takes t/(1-share) instead of t. The result is at most a half, so that a check that allows for it
// can fail on the busiest machine.
func Stretch(share float64) float64 {
	share = min(share, 0.9)
	return min(share/(1-share), 0.5)
}
