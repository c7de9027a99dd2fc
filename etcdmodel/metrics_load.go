package etcdmodel

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/redline-go/redline/internal/metrics"
)

// The metrics of etcd that a load is read from. What 3.4 and older name otherwise has two names.
var (
	metricsPut    = []string{"etcd_mvcc_put_total", "etcd_debugging_mvcc_put_total"}
	metricsDelete = []string{"etcd_mvcc_delete_total", "etcd_debugging_mvcc_delete_total"}
	metricsRange  = []string{"etcd_mvcc_range_total", "etcd_debugging_mvcc_range_total"}
)

const (
	metricPutBytes = "etcd_debugging_mvcc_total_put_size_in_bytes"
	metricKeys     = "etcd_debugging_mvcc_keys_total"
	metricGranted  = "etcd_debugging_lease_granted_total"
	metricRevoked  = "etcd_debugging_lease_revoked_total"
	metricRenewed  = "etcd_debugging_lease_renewed_total"
	metricTTL      = "etcd_debugging_lease_ttl_total"
	metricProposed = "etcd_server_proposals_committed_total"
	metricHandled  = "grpc_server_handled_total"
)

// assumedKey is the length of a key where only key and value together are known: a kube-apiserver's
// /registry/pods/NAMESPACE/NAME (measured: 51 for a pod of a Deployment, 70 for its Event).
const assumedKey = 60

// assumedValue is the length of a value where the pages of an old etcd do not have the bytes: a
// kube-apiserver's object (measured: 525 for a Lease, 834 for an Event, 3,061 for a running pod).
const assumedValue = 1024

// LoadFromMetrics reads the load of a running etcd from two of its metrics pages, the second taken
// `between` after the first. The pages may have any of the forms that [DisksFromMetrics] takes, and
// show one member or several. Where they carry timestamps, as those of Prometheus do, between may
// be zero.
//
// It returns the creates, updates, deletes, failed compares, lease grants and revokes that the
// cluster applied each second. Every member counts these, and the one in the middle is taken. It
// returns the reads and lease renewals that the members on the pages served.
//
// A page does not say which keys have a lease. The keys that went with their leases are the deletes
// that no proposal asked for. As many are taken to be created, with the mean TTL of the leases
// granted.
//
// Sizes are means: etcd counts the bytes of keys and values together, and a key of 60 bytes is
// assumed. Writes count as kube-apiserver's transactions if the members answered more transactions
// than puts. Load.Assumed lists what was assumed beyond that, because a page lacks it.
//
// A page that has no puts, was cut short, or contradicts itself gives an error that names the
// metric. So does a counter that went backwards, because etcd was restarted in between.
func LoadFromMetrics(before, after io.Reader, between time.Duration) (Load, error) {
	if between < 0 {
		return Load{}, bad("between", between, ">= 0, the time from the first page to the second")
	}
	members, err := readMembers(
		[]io.Reader{before, after}, metricsPut, slices.Concat(
			metricsDelete, metricsRange, []string{
				metricPutBytes, metricKeys, metricGranted, metricRevoked, metricRenewed, metricTTL, metricProposed, metricHandled,
				metricWALBytes,
			},
		)...,
	)
	if err != nil {
		return Load{}, err
	}
	c := &counting{given: between}
	load, err := c.load(members)
	if err != nil {
		return Load{}, err
	}
	return load, load.Check()
}

// counting turns the counters of members into a load.
type counting struct {
	given   time.Duration
	assumed []string
}

func (c *counting) assume(format string, args ...any) {
	c.assumed = append(c.assumed, fmt.Sprintf(format, args...))
}

// load returns the load that the counters show.
func (c *counting) load(members []paged) (Load, error) {
	var counts []counts
	for _, m := range members {
		if len(m.at) < 2 {
			c.assume("%s is on one page only and is left out", m.called())
			continue
		}
		one, err := c.count(m)
		if err != nil {
			return Load{}, m.named(err)
		}
		counts = append(counts, one)
	}
	if len(counts) == 0 {
		return Load{}, fmt.Errorf(
			"%w: metrics pages: no member is on both (%s), want two pages of one etcd", ErrInput, names(members),
		)
	}
	load := Load{Streams: c.streams(counts)}
	load.Assumed = c.assumed
	return load, nil
}

// counts hold the rates of one member in its window, and its totals since its start.
type counts struct {
	seconds float64
	// The whole cluster's, as each member applies it.
	puts, deletes, proposed, granted, revoked rate
	keys, bytes                               rate
	ttl                                       float64 // s, the mean of the leases granted; 0 if not known
	walBytes, ranges                          rate
	// The member's own.
	reads, renewed, txns, ownPuts rate
}

// A rate is a counter's growth a second and its value at the end.
type rate struct {
	grew, end float64
	known     bool
}

// streams returns the load of all members.
func (c *counting) streams(all []counts) []Stream {
	slices.SortStableFunc(all, func(a, b counts) int { return cmp.Compare(a.puts.grew, b.puts.grew) })
	middle := all[(len(all)-1)/2]
	var served counts
	for _, x := range all {
		served.reads.grew += x.reads.grew
		served.renewed.grew += x.renewed.grew
		served.txns.grew += x.txns.grew
		served.ownPuts.grew += x.ownPuts.grew
	}
	if len(all) > 1 {
		c.assume("writes are those that one of %d members applied; reads are the sum of theirs", len(all))
	}
	return c.split(middle, served)
}

// split divides what was written among kinds of operations.
func (c *counting) split(w, served counts) []Stream {
	key, value := c.sizes(w)
	own, leased, perLease := c.deletes(w, served)
	created := min(w.puts.grew, max(0, w.keys.grew+own+leased))
	if !w.keys.known {
		created = min(w.puts.grew, own+leased)
		c.assume("no %s: as many keys are created as deleted, and the other puts are updates", metricKeys)
	}
	expiring := min(created, leased)
	if own+leased > w.puts.grew+max(0, -w.keys.grew)+0.01*own {
		c.assume("more deletes than puts: some found no key, or one took many")
	}
	create, update, remove := Put, Put, Delete
	if served.txns.grew > served.ownPuts.grew {
		create, update, remove = TxnCreate, TxnUpdate, TxnDelete
	}
	var streams []Stream
	add := func(name string, rate float64, s Stream) {
		if rate*w.seconds < 0.5 { // counters count whole requests: less is what subtraction leaves
			return
		}
		s.Name, s.Rate = name, rate
		streams = append(streams, s)
	}
	add("creates", created-expiring, Stream{Op: Op{Kind: create, Key: key, Value: value}})
	add("creates with a lease", expiring, Stream{
		Op: Op{Kind: create, Key: key, Value: value, Lease: true}, TTL: c.life(w, served, expiring),
	})
	add("updates", w.puts.grew-created, Stream{
		Op: Op{Kind: update, Key: key, Value: value}, Keys: int(min(max(w.keys.end, 1), math.MaxInt32)),
	})
	add("deletes", own, Stream{Op: Op{Kind: remove, Key: cmp.Or(key, assumedKey)}})
	if update == TxnUpdate {
		add("conflicts", w.others()-own, Stream{Op: Op{Kind: TxnConflict, Key: key, Value: value}})
	}
	add("lease grants", w.granted.grew, Stream{Op: Op{Kind: LeaseGrant}})
	revoke := Op{Kind: LeaseRevoke}
	if perLease >= 0.5 {
		revoke.Key, revoke.Puts = cmp.Or(key, assumedKey), int(math.Round(perLease))
	}
	add("lease revokes", w.revoked.grew, Stream{Op: revoke})
	add("lease renewals", served.renewed.grew, Stream{Op: Op{Kind: KeepAlive}})
	add("reads", served.reads.grew, Stream{Op: Op{Kind: Range, Key: assumedKey, Value: value}})
	return streams
}

// sizes returns the bytes of the mean key and value.
func (c *counting) sizes(w counts) (key, value int) {
	if w.puts.grew <= 0 {
		return 0, 0
	}
	mean := float64(assumedKey + assumedValue)
	switch {
	case w.bytes.known:
		mean = w.bytes.grew / w.puts.grew
	case w.walBytes.known && w.walBytes.grew > 0:
		// of the record, its transaction and its share of a hard state: 1,096 for 834 + 70 bytes, and 40
		const frames = 230
		mean = max(1, w.walBytes.grew/w.puts.grew-frames)
		c.assume("no %s: sizes are those of the WAL's bytes", metricPutBytes)
	default:
		c.assume("no bytes on the pages: %d a key and %d a value", assumedKey, assumedValue)
	}
	whole := int(math.Round(min(max(mean, 0), MaxRequestBytes)))
	key = min(whole, assumedKey)
	return key, whole - key
}

// others returns the proposals that put nothing: deletes of their own, failed compares.
func (w counts) others() float64 {
	return max(0, w.proposed.grew-w.puts.grew-w.granted.grew-w.revoked.grew)
}

// failed returns the compares that failed, and reports whether the pages tell. A transaction ranges
// over its key once for the compare (etcd v3.6.16 server/etcdserver/txn/txn.go:571). It does so
// once more in kube-apiserver's Else where that failed. Every member counts the ranges of all
// transactions and its own reads. The pages must show all members: then as many requests were
// answered as proposed.
func (w counts) failed(served counts) (float64, bool) {
	requests := served.txns.grew + served.ownPuts.grew + w.granted.grew + w.revoked.grew
	if !w.ranges.known || !w.txns.known || math.Abs(requests-w.proposed.grew) > 0.02*w.proposed.grew {
		return 0, false
	}
	return max(0, w.ranges.grew-w.reads.grew-served.txns.grew), true
}

// deletes divides the keys deleted into those that were asked for and those that went with their
// leases, and returns the keys of one lease.
func (c *counting) deletes(w, served counts) (own, leased, perLease float64) {
	total := w.deletes.grew
	switch {
	case !w.deletes.known:
		c.assume("no %s: nothing is deleted", metricsDelete[0])
		return 0, 0, 0
	case w.revoked.grew > 0 && w.proposed.known:
		failed, known := w.failed(served)
		own = min(total, max(0, w.others()-failed))
		leased = total - own
		if leased > 0 && !known {
			c.assume("failed compares are counted as deletes: only the pages of all members tell them apart where leases end")
		}
		return own, leased, leased / w.revoked.grew
	case w.revoked.grew > 0:
		c.assume("no %s: no key went with its lease", metricProposed)
		return total, 0, 0
	case w.granted.grew > 0:
		c.assume("leases were granted and none ended between the pages: their keys are taken to stay")
	}
	return total, 0, 0
}

// life returns the life of keys that have a lease.
func (c *counting) life(w, served counts, expiring float64) time.Duration {
	ttl := w.ttl
	switch renewed := served.renewed.grew > w.revoked.grew; {
	case expiring <= 0:
		return 0
	case renewed && w.granted.grew > 0:
		ttl = max(w.granted.end-w.revoked.end, 0) / w.granted.grew // Little's law
		c.assume("leases are renewed: keys live as long as the leases alive at this rate of grants, %v", seconds(ttl))
	case ttl > 0:
	case w.granted.grew > 0 && w.granted.end > w.revoked.end:
		ttl = (w.granted.end - w.revoked.end) / w.granted.grew
		c.assume("no %s: a TTL of %v follows from the leases alive", metricTTL, seconds(ttl))
	}
	if ttl <= 0 {
		c.assume("no TTL on the pages: the leases' ends take the keys away")
	}
	return seconds(min(ttl, maxTTL))
}

// maxTTL is the longest TTL that etcd grants, in seconds (server/lease/lessor.go: MaxLeaseTTL).
const maxTTL = 9_000_000_000

// count returns a member's counts between its first page and its last.
func (c *counting) count(m paged) (counts, error) {
	first, last := m.at[0], m.at[len(m.at)-1]
	w := counts{}
	var err error
	if w.seconds, err = c.seconds(m, first, last); err != nil {
		return w, err
	}
	if err := m.sameProcess(first, last); err != nil {
		return w, err
	}
	for _, f := range []struct {
		into  *rate
		names []string
		falls bool
	}{
		{&w.puts, metricsPut, false}, {&w.deletes, metricsDelete, false}, {&w.bytes, []string{metricPutBytes}, false},
		{&w.keys, []string{metricKeys}, true}, {&w.proposed, []string{metricProposed}, false},
		{&w.granted, []string{metricGranted}, false}, {&w.revoked, []string{metricRevoked}, false},
		{&w.renewed, []string{metricRenewed}, false}, {&w.walBytes, []string{metricWALBytes}, false},
		{&w.ranges, metricsRange, false},
	} {
		if *f.into, err = rateOf(first, last, w.seconds, f.falls, f.names...); err != nil {
			return w, err
		}
	}
	if !w.puts.known {
		return w, pageError(last.Missing(metricsPut[0], "a counter on both pages"))
	}
	if v, err := ParseVersion(m.version()); err == nil && v == V3_5 {
		w.walBytes.grew /= 2 // as in walBytes
	}
	if last.Has(metricHandled) {
		err = w.handled(first, last)
	} else {
		c.unhandled(&w)
	}
	if err != nil {
		return w, err
	}
	w.ttl, err = meanTTL(first, last)
	return w, err
}

// seconds returns the time between two pages: the one given, or that of their timestamps.
func (c *counting) seconds(m paged, first, last metrics.Snapshot) (float64, error) {
	stamped := last.Since(first)
	switch {
	case c.given > 0:
		if stamped > 0 && math.Abs(c.given.Seconds()/stamped.Seconds()-1) > 0.05 {
			c.assume("%s: %v between the pages as given, not the %v of their timestamps", m.called(), c.given, stamped)
		}
		return c.given.Seconds(), nil
	case stamped > 0:
		return stamped.Seconds(), nil
	}
	return 0, bad(
		"between", c.given, "> 0, the time from the first page to the second: these have no timestamps of their own",
	)
}

// rateOf returns the growth of a counter, or the change of a gauge, which may fall.
func rateOf(first, last metrics.Snapshot, seconds float64, falls bool, names ...string) (rate, error) {
	a, _, err := value(first, names...)
	if err != nil {
		return rate{}, err
	}
	b, name, err := value(last, names...)
	if err != nil || name == "" || !first.Has(name) {
		return rate{}, err
	}
	if a, _, err = value(first, name); err != nil {
		return rate{}, err
	}
	grew := b.Value - a.Value
	switch {
	case a.Value < 0 || b.Value < 0:
		return rate{}, pageError(last.Bad(name, fmt.Sprint(min(a.Value, b.Value)), ">= 0"))
	case !falls && (grew < 0 || b.Fell):
		return rate{}, pageError(last.Bad(
			name, fmt.Sprintf("%v less than before", -grew), "a counter that grows: was etcd restarted in between?",
		))
	}
	return rate{grew / seconds, b.Value, true}, nil
}

// unhandled tells reads and transactions apart where the pages lack gRPC's counters. A transaction
// of kube-apiserver ranges over its key, and a plain put does not.
func (c *counting) unhandled(w *counts) {
	w.reads = w.ranges
	proposed := w.proposed.grew - w.granted.grew - w.revoked.grew
	if w.proposed.known && proposed > 0 && w.ranges.grew >= 0.95*proposed {
		w.txns.grew, w.reads.grew = proposed, max(0, w.ranges.grew-proposed)
		c.assume("no %s: writes are transactions, since as many keys were ranged over", metricHandled)
		return
	}
	c.assume("no %s: writes are plain puts and deletes, and ranges are reads", metricHandled)
}

// handled counts the requests that the member answered with OK, by method of gRPC.
func (w *counts) handled(first, last metrics.Snapshot) error {
	for _, f := range []struct {
		into   *rate
		method string
	}{{&w.reads, "Range"}, {&w.txns, "Txn"}, {&w.ownPuts, "Put"}} {
		grew := answered(last, f.method) - answered(first, f.method)
		if grew < 0 || math.IsNaN(grew) || math.IsInf(grew, 0) {
			return pageError(last.Bad(
				fmt.Sprintf("%s{grpc_method=%q}", metricHandled, f.method), "less than before", "a counter that grows",
			))
		}
		*f.into = rate{grew / w.seconds, 0, true}
	}
	return nil
}

func answered(s metrics.Snapshot, method string) float64 {
	sum := 0.0
	for _, x := range s.Samples(metricHandled) {
		if x.Label("grpc_method") == method && x.Label("grpc_code") == "OK" {
			sum += x.Value
		}
	}
	return sum
}

// meanTTL returns the mean TTL of the leases granted between the pages, or of all since the start
// where there were none.
func meanTTL(first, last metrics.Snapshot) (float64, error) {
	if !last.Has(metricTTL) {
		return 0, nil
	}
	h, err := last.Histogram(metricTTL)
	if err != nil {
		return 0, pageError(err)
	}
	if first.Has(metricTTL) {
		before, err := first.Histogram(metricTTL)
		if err != nil {
			return 0, pageError(err)
		}
		d, err := h.Minus(before, last, metricTTL)
		if err != nil {
			return 0, pageError(err)
		}
		if d.Count > 0 {
			h = d
		}
	}
	if h.Count == 0 || math.IsNaN(h.Sum) {
		return 0, nil
	}
	return h.Sum / h.Count, nil
}
