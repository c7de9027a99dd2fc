package proxymodel

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// comparedIn plays what iptables-nft-restore does with its input: a list of
// names in order, from whose head each name is looked for.
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

// The closed form is what the list does, where there is enough of it to take time.
func TestComparedNames(t *testing.T) {
	for _, size := range []trial{{1000, 1}, {3000, 1}, {700, 3}, {600, 10}} {
		s := Uniform(size.services, size.endpoints)
		u := script{services: size.services, endpoints: size.endpoints}
		for p, all := range map[phase]bool{first: true, full: true, partial: false} {
			w := iptablesWork(&s, p, 0)
			compared, names := comparedIn(string(u.iptables(all)))
			assert.InEpsilonf(t, compared, w.compared, 0.06, "%v, phase %v", size, p)
			if all {
				assert.InEpsilon(t, names, w.names, 0.01)
			}
		}
	}
}
