package scenario

import "time"

const never = time.Duration(-1)

// Trigger returns from when to when the scenario pushes: from the first slow disk, silence,
// hanging runtime or node without power until the worst is over. Both are negative where nothing
// pushes, and the end where it never ends.
func (s *Scenario) Trigger() (begin, end time.Duration) {
	begin, end = never, never
	slow, silent, worst := false, false, time.Duration(0)
	for i := range s.Actions {
		a := &s.Actions[i]
		pushes := a.Do == Silence || a.Do == Stall || a.Do == Down || a.Do == Delay && a.For > 0
		if pushes && begin < 0 {
			begin = a.At
		}
		switch {
		case a.Do == Delay && pushes && a.For >= worst:
			slow, worst = true, a.For
		case a.Do == Delay && slow:
			slow, end = false, max(end, a.At)
		case a.Do == Silence:
			silent = true
		case a.Do == Awake:
			silent, end = false, max(end, a.At)
		case a.Do == Stall || a.Do == Down:
			end = max(end, a.At+a.For)
		}
	}
	if slow || silent {
		end = never
	}
	return begin, end
}
