package measure

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// comparedIn plays iptables-nft-restore with its input: it looks for each name from the head of a
// list of names in order.
func comparedIn(input string) (compared, names int) {
	var list []string
	look := func(name string) {
		at, found := slices.BinarySearch(list, name)
		compared += at + 1
		if !found {
			list = slices.Insert(list, at, name)
		}
	}
	for line := range strings.Lines(input[strings.Index(input, "*nat"):]) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, ":"):
			look(words[0][1:])
		case strings.HasPrefix(line, "-A"):
			look(words[1])
			if to := words[slices.Index(words, "-j")+1]; strings.HasPrefix(to, "KUBE-") {
				look(to)
			}
		}
	}
	return compared, len(list)
}

// The closed form equals the play, where there is enough of it to take time.
func TestComparedNames(t *testing.T) {
	for _, c := range []trial{
		{services: 1000, endpoints: 1}, {services: 3000, endpoints: 1},
		{services: 700, endpoints: 3}, {services: 600, endpoints: 10},
	} {
		shape := proxymodel.Uniform(c.services, c.endpoints)
		size := sizeOf(&shape)
		u := script{services: c.services, endpoints: c.endpoints}
		for p, all := range map[work.Phase]bool{work.First: true, work.Full: true, work.Partial: false} {
			w := work.IPTablesSync(&size, p, 0)
			compared, names := comparedIn(string(u.iptables(all)))
			assert.InEpsilonf(t, compared, w.Compared, 0.06, "%v, phase %v", c, p)
			if all {
				assert.InEpsilon(t, names, w.Names, 0.01)
			}
		}
	}
}
