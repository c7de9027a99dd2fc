package proxymodel

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The generated input has the rules and chains that Uniform says, so that what
// Calibrate divides by is what was there.
func TestScriptHasTheShapeOfUniform(t *testing.T) {
	for _, c := range []trial{{3, 1}, {10, 4}, {700, 2}} {
		s, shape := script{services: c.services, endpoints: c.endpoints}, Uniform(c.services, c.endpoints)
		_, nat, _ := strings.Cut(string(s.iptables(true)), "*nat\n")
		assert.Equal(t, shape.IPTables.Rules, strings.Count(nat, "-A "))
		assert.Equal(t, shape.IPTables.Chains, strings.Count(nat, "\n:")+1)
		assert.Equal(t, shape.IPTables.Walk, strings.Count(nat, "-A KUBE-SERVICES"))
		_, nat, _ = strings.Cut(string(s.iptables(false)), "*nat\n")
		assert.Equal(t, shape.IPTables.Always, strings.Count(nat, "-A "))
		tx := string(s.nftables(first, 0))
		assert.Equal(t, shape.NFTables.Maps, strings.Count(tx, " map {"))
		assert.Equal(t, shape.NFTables.MapElements, strings.Count(tx, ". 8080")+strings.Count(tx, ":8080"))
		assert.Equal(t, 3*c.services/3, strings.Count(string(s.nftables(partial, c.services/3*3)), "add rule")+c.services-c.services/3*3)
	}
}
