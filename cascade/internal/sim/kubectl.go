package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// kubectl is `kubectl scale` (k8s.io/kubectl v0.29.2 and v0.37.2, pkg/cmd/scale/scale.go and
// pkg/scale/scale.go): the command under way, and what all commands came to.
//
// A command is one PATCH of the scale, repeated on conflicts only, whatever its --timeout. Any
// other error ends it. With a --timeout it then reads the scale every second. It ends when
// status.replicas is what was asked for, or when something else has set another number. It also
// ends on an error of a read, and at the timeout. The operator repeats a command that failed after
// two seconds, but not one that timed out.
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

	// scaleSlow is the time from which on an acknowledgement is worth a line of the story.
	scaleSlow = 10 * time.Second
)

// scaleReply goes on with a command. With a --timeout it reads the scale until the replicas are
// there.
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

// scaled ends a command that has succeeded. A quick one is no line of the story.
func (op *operator) scaled(a *scenario.Action) {
	took := op.now - a.At
	op.acked = max(op.acked, took)
	if took > scaleSlow {
		op.note(story.ScaleAcked, itoa(a.N)+" after "+took.Round(time.Second).String(), story.ByOperator)
	}
}
