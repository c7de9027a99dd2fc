package proxymodel

import (
	"fmt"
	"strings"
	"time"
)

// Option is one of the modes that a node could run, with what it would cost.
type Option struct {
	Mode    Mode
	XTables XTables // which iptables, in iptables mode
	Prediction
}

// String names the option as people do: iptables (legacy), nftables, ...
func (o Option) String() string {
	if o.Mode == IPTables {
		return fmt.Sprintf("%v (%v)", o.Mode, o.XTables)
	}
	return o.Mode.String()
}

// Comparison is the same question for all modes, in the order iptables
// (legacy), iptables (nf_tables), nftables, ipvs, and what follows.
type Comparison struct {
	Options []Option
	Advice  Advice
}

// Advice is which mode to move to, and why.
type Advice struct {
	Mode    Mode
	Reasons []string // the figures that speak for it, and what the version allows
}

// String is the mode and its reasons on one line.
func (a Advice) String() string { return a.Mode.String() + ": " + strings.Join(a.Reasons, "; ") }

// Compare asks [Predict] for every mode, iptables with both of its binaries,
// and advises one. current is the mode that runs now, with machine.XTables.
func Compare(current Mode, v Version, machine Machine, s Shape, c Churn) (Comparison, error) {
	if err := checkAsked(current, v, &s); err != nil {
		return Comparison{}, err
	}
	if machine.Source == "" {
		machine = DefaultMachine()
	}
	var out Comparison
	now := 0
	for _, o := range []Option{{Mode: IPTables}, {Mode: IPTables, XTables: NFT}, {Mode: NFTables}, {Mode: IPVS}} {
		m := machine
		m.XTables = o.XTables
		p, err := Predict(o.Mode, v, m, s, c)
		if err != nil {
			return Comparison{}, err
		}
		if o.Mode == current && (o.Mode != IPTables || o.XTables == machine.XTables) {
			now = len(out.Options)
		}
		o.Prediction = p
		out.Options = append(out.Options, o)
	}
	out.Advice = advise(out.Options[now], out.Options[2], v)
	return out, nil
}

// Facts of Kubernetes versions: KEP-3866 (nftables alpha in 1.29, GA in 1.33)
// and KEP-5495 (ipvs deprecated in 1.35, off by default in 1.40, removed in
// 1.43).
const (
	factAlpha      = "nftables mode is alpha in v1.29 and rewrites everything on every sync; it is GA from v1.33 on"
	factGA         = "nftables mode is GA since v1.33"
	factDeprecated = "ipvs mode is deprecated since v1.35, off by default in v1.40 and removed in v1.43"
	factUpgrade    = "upgrade kube-proxy first: v1.30 to v1.32 have nftables as alpha or beta"
	factMaps       = "services of two endpoints or more each have a map, and naming one visits all others: full syncs grow with their square"
)

// advise compares what runs with nftables, the one mode that is neither linear
// per packet nor on its way out.
func advise(now, nft Option, v Version) Advice {
	a := Advice{Mode: now.Mode}
	say := func(format string, args ...any) { a.Reasons = append(a.Reasons, fmt.Sprintf(format, args...)) }
	figures := func() {
		say("a sync after a change takes %s with %s, %s with %s", brief(now.Partial.Duration()), now, brief(nft.Partial.Duration()), nft)
		say("a change waits %s now, %s then", brief(now.Staleness.Mean), brief(nft.Staleness.Mean))
		say("a first packet to no service pays %s now, %s then", brief(now.FirstPacket.Miss), brief(nft.FirstPacket.Miss))
	}
	slowFull := nft.Full.Duration() > max(5*time.Second, 2*now.Full.Duration())
	switch {
	case now.Mode == NFTables:
		say("%s", stay(v))
	case v == V1_29:
		figures()
		say("%s", factAlpha)
		say("%s", factUpgrade)
		if now.Mode == IPVS {
			say("%s", factDeprecated)
		} else {
			say("do not move to ipvs in the meantime: %s", factDeprecated)
		}
	case now.Mode == IPVS:
		a.Mode = NFTables
		say("%s", factDeprecated)
		figures()
		say("%s", factGA)
	case nft.Partial.Duration() < now.Partial.Duration():
		a.Mode = NFTables
		figures()
		say("%s", factGA)
		say("do not move to ipvs: %s", factDeprecated)
	default:
		figures()
		say("nothing to gain yet; %s", factGA)
	}
	if slowFull {
		say("a full sync would take %s, %s now, and a restart of kube-proxy is one: %s", brief(nft.Full.Duration()), brief(now.Full.Duration()), factMaps)
	}
	return a
}

func stay(v Version) string {
	if v == V1_29 {
		return factAlpha
	}
	return factGA
}

// brief rounds to two digits.
func brief(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit).String()
}
