package measure

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// The generated input has the rules and chains that Uniform says, so Calibrate divides by what was
// there.
func TestScriptHasTheShapeOfUniform(t *testing.T) {
	for _, c := range []trial{{3, 1}, {10, 4}, {700, 2}} {
		s := script{services: c.services, endpoints: c.endpoints}
		shape := proxymodel.Uniform(c.services, c.endpoints)
		_, nat, _ := strings.Cut(string(s.iptables(true)), "*nat\n")
		assert.Equal(t, shape.IPTables.Rules, strings.Count(nat, "-A "))
		assert.Equal(t, shape.IPTables.Chains, strings.Count(nat, "\n:")+1)
		assert.Equal(t, shape.IPTables.Walk, strings.Count(nat, "-A KUBE-SERVICES"))
		_, nat, _ = strings.Cut(string(s.iptables(false)), "*nat\n")
		assert.Equal(t, shape.IPTables.Always, strings.Count(nat, "-A "))
		tx := string(s.nftables(work.First, 0))
		assert.Equal(t, shape.NFTables.Maps, strings.Count(tx, " map {"))
		assert.Equal(t, shape.NFTables.MapElements, strings.Count(tx, ". 8080")+strings.Count(tx, ":8080"))
		for _, changed := range []int{0, 1, c.services} {
			tx = string(s.nftables(work.Partial, changed))
			assert.Equal(t, changed, strings.Count(tx, "add rule"), "one rule a service")
		}
	}
}
