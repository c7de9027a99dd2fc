package lost

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBetween(t *testing.T) {
	at := time.Unix(1000, 0)
	lost := Time{Gaps: []Gap{{at.Add(2 * time.Second), 2 * time.Second}, {at.Add(5 * time.Second), time.Second}}}
	for _, c := range []struct{ from, to, want int }{
		{0, 10, 3}, {-5, 0, 0}, {1, 4, 1}, {1, 5, 2}, {-1, 1, 1}, {6, 9, 0}, {0, 2, 2},
	} {
		from, to := at.Add(time.Duration(c.from)*time.Second), at.Add(time.Duration(c.to)*time.Second)
		assert.Equal(t, time.Duration(c.want)*time.Second, lost.Between(from, to), "%+v", c)
	}
}

// What this process does is its own, and what another does is not.
func TestOthers(t *testing.T) {
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("lost: no /proc/stat")
	}
	const ticks = 30
	before := ReadProcessor()
	now, late := before, time.Now().Add(time.Minute)
	for now.Own < before.Own+ticks && time.Now().Before(late) { // reading is work
		now = ReadProcessor()
	}
	all, own := now.All-before.All-(now.Idle-before.Idle), now.Own-before.Own
	assert.GreaterOrEqual(t, own, float64(ticks))
	assert.LessOrEqual(t, own, all+ticks/4, "the kernel samples the one and sums the other")
	assert.InDelta(t, max(0, (all-own)/(now.All-before.All)), now.OthersSince(before), 1e-9)
	for share, want := range map[float64]float64{0: 0, 0.2: 0.25, 0.5: 0.5, 1: 0.5} {
		assert.InDelta(t, want, Stretch(share), 1e-9)
	}
}
