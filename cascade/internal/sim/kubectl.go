package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// `kubectl scale` (k8s.io/kubectl v0.29.2 and v0.37.2, pkg/cmd/scale/scale.go and pkg/scale/scale.go): one PATCH of the scale, repeated on
// conflicts only, whatever the --timeout: any other error ends the command. With a --timeout it then reads the scale every second until
// status.replicas is what was asked for, or until something else has set another number; an error of a read ends it, too, and so does the
// timeout. The operator repeats a command that failed after two seconds, but not one that timed out.

// kubectl is the command under way, and what commands came to.
type kubectl struct {
	began  time.Duration // when this command's PATCH was answered
	status int           // status.replicas, as its controller wrote it last
	took   time.Duration // the longest from the first command to the PATCH that landed
	acked  time.Duration // the longest from the first command to one that said "scaled"
	failed int           // commands that ended with an error
}

const (
	operatorPause = 2 * time.Second
	scalePoll     = time.Second // cmd/scale/scale.go, NewRetryParams
)

func (op *operator) scaleReply(why purpose, i int32, c code) {
	a := &op.s.Actions[i]
	switch {
	case c != ok:
		op.failed++
		op.note(story.ScaleFails, "to "+itoa(a.N), story.ByNoAnswer)
		op.at(op.now+operatorPause, evScaleAgain, i, 0)
	case why == forScale:
		op.took = max(op.took, op.now-a.At)
		op.began = op.now
		op.replicas.want = a.N
		op.replicas.sync()
		if a.For == 0 {
			op.scaled(a)
			return
		}
		op.ask(forScaleGet, i, 0)
	case op.replicas.want != a.N || op.status == a.N:
		op.scaled(a)
	case op.now-op.began >= a.For:
		op.failed++
		op.note(story.ScaleFails, "timed out waiting", story.ByOperator)
	default:
		op.at(op.now+scalePoll, evScalePoll, i, 0)
	}
}

// scaled is a command that says so. One that succeeded at once is no line of the story.
func (op *operator) scaled(a *scenario.Action) {
	took := op.now - a.At
	op.acked = max(op.acked, took)
	if took > scaleSlow {
		op.note(story.ScaleAcked, itoa(a.N)+" after "+took.Round(time.Second).String(), story.ByOperator)
	}
}

// scaleSlow is from when on an acknowledgement is worth a line.
const scaleSlow = 10 * time.Second

// startTime is how long a process that ended in good order is away before it fills its caches: assumed.
const startTime = time.Second
