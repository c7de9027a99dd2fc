package cascade

import "time"

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

func (p *plane) scaleReply(why purpose, i int32, c code) {
	a := &p.s.Actions[i]
	switch {
	case c != ok:
		p.scale.failed++
		p.note(ScaleFails, "to "+itoa(a.N), ByNoAnswer)
		p.queue.Push(p.now+operatorPause, evScaleAgain, i, 0)
	case why == forScale:
		p.scale.took = max(p.scale.took, p.now-a.At)
		p.scale.began = p.now
		p.rs.want = a.N
		p.syncReplicas()
		if a.For == 0 {
			p.scaled(a)
			return
		}
		p.ask(forScaleGet, i, 0)
	case p.rs.want != a.N || p.scale.status == a.N:
		p.scaled(a)
	case p.now-p.scale.began >= a.For:
		p.scale.failed++
		p.note(ScaleFails, "timed out waiting", ByOperator)
	default:
		p.queue.Push(p.now+scalePoll, evScalePoll, i, 0)
	}
}

// scaled is a command that says so. One that succeeded at once is no line of the story.
func (p *plane) scaled(a *Action) {
	took := p.now - a.At
	p.scale.acked = max(p.scale.acked, took)
	if took > scaleSlow {
		p.note(ScaleAcked, itoa(a.N)+" after "+took.Round(time.Second).String(), ByOperator)
	}
}

// scaleSlow is from when on an acknowledgement is worth a line.
const scaleSlow = 10 * time.Second

// Components that the action restart knows.
const (
	componentServer = "kube-apiserver"
	componentEtcd   = "etcd"
)

// startTime is how long a process that ended in good order is away before it fills its caches: assumed.
const startTime = time.Second

// restart is an operator who restarts a component: API server or etcd member n, or all API servers and etcd's leader if n is 0.
func (p *plane) restart(what string, n int) {
	p.wake()
	switch what {
	case componentServer:
		for i := range p.servers {
			if (n == 0 || n == i+1) && !p.servers[i].down {
				p.killServer(int32(i))
			}
		}
	case componentEtcd:
		n = p.store.killMember(p.now, n)
		what += " " + itoa(n)
	default:
		for i, name := range componentNames {
			if name == what {
				p.restartElector(int32(i))
			}
		}
	}
	p.note(Restarted, what, ByOperator)
}

// restartElector ends a process with SIGTERM. The scheduler gives its leader lease back (cmd/kube-scheduler/app/options/options.go,
// ReleaseOnCancel), the controller manager does not (v1.37: only behind ControllerManagerReleaseLeaderElectionLockOnExit, which is off), so that
// the next one waits for the lease to run out.
func (p *plane) restartElector(i int32) {
	p.unparkElectors()
	e := &p.electors[i]
	e.gen++
	p.abandon(e.request, e.sent)
	e.released = e.leading && i == scheduler
	e.leading, e.alive = false, false
	p.halt(i)
	p.queue.Push(p.now+startTime, evElectStart, i, e.gen)
}
