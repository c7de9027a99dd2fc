package scenario

import (
	"cmp"
	"slices"
)

// Change is something that could have been done before a scenario happened.
type Change struct {
	Name  string
	Item  string  // the action item of an incident report that it stands for; empty: none
	Cost  float64 // relative to other changes; zero counts as 1
	Apply func(Scenario) Scenario
}

// Edit returns a function for [Change.Apply] that calls f with a copy of the scenario whose
// defaults are filled in. Lists are copied; f replaces what pointers point to.
func Edit(f func(*Scenario)) func(Scenario) Scenario {
	return func(s Scenario) Scenario {
		s = s.WithDefaults()
		s.Actions = slices.Clone(s.Actions)
		f(&s)
		return s
	}
}

// Both returns the two changes as one: a, then b, at the cost of both.
func Both(a, b Change) Change {
	return Change{
		Name:  a.Name + " + " + b.Name,
		Cost:  a.RelativeCost() + b.RelativeCost(),
		Apply: func(s Scenario) Scenario { return b.Apply(a.Apply(s)) },
	}
}

// RelativeCost returns Cost, or 1 where it is zero.
func (c Change) RelativeCost() float64 { return cmp.Or(c.Cost, 1) }
