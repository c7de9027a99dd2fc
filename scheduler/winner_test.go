package scheduler

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// The heap that kube-scheduler pops is the slow twin of the tournament.
func TestWinnersPickTheTopOfTheHeap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		w := &winners{}
		for range 1 + rnd.IntN(70) {
			w.score = append(w.score, rnd.Int64N(4))
		}
		w.fill()
		for len(w.score) > 0 {
			var list []fwk.NodePluginScores
			for i, s := range w.score {
				list = append(list, fwk.NodePluginScores{Name: fmt.Sprint(i), TotalScore: s})
			}
			require.Equal(t, framework.NewSortedScoredNodes(list).Pop().Name, fmt.Sprint(w.top()), "%v", w.score)
			if i := rnd.IntN(len(w.score)); rnd.IntN(3) == 0 {
				w.drop(i)
			} else {
				w.set(i, rnd.Int64N(4))
				if rnd.IntN(8) == 0 {
					w.drop(w.top())
				}
			}
		}
	}
}
