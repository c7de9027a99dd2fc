package proxymodel

import (
	"fmt"
	"strings"
	"time"
)

// Option is a mode that a node could run, with its cost.
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

// Comparison holds the same question for all modes, in the order iptables (legacy), iptables
// (nf_tables), nftables, ipvs.
type Comparison struct {
	Options []Option
	Advice  Advice
}

// Advice names the mode to move to, and why.
type Advice struct {
	Mode    Mode
	Reasons []string // the figures that speak for it, and what the version allows
}

// String puts the mode and its reasons on one line.
func (a Advice) String() string { return a.Mode.String() + ": " + strings.Join(a.Reasons, "; ") }

// Compare asks [Predict] for every mode, iptables with both of its binaries, and advises one.
// q.Mode is the mode that runs now, with q.Machine.XTables.
func Compare(q Query) (Comparison, error) {
	if err := q.resolve(); err != nil {
		return Comparison{}, err
	}
	if err := q.Churn.check(); err != nil {
		return Comparison{}, err
	}
	var out Comparison
	now := 0
	for _, o := range []Option{{Mode: IPTables}, {Mode: IPTables, XTables: NFT}, {Mode: NFTables}, {Mode: IPVS}} {
		if o.Mode == q.Mode && (o.Mode != IPTables || o.XTables == q.Machine.XTables) {
			now = len(out.Options)
		}
		asked := q
		asked.Mode, asked.Machine.XTables = o.Mode, o.XTables
		o.Prediction = asked.predict()
		out.Options = append(out.Options, o)
	}
	out.Advice = advise(out.Options[now], out.Options[2], q.Version)
	return out, nil
}

// Facts of Kubernetes versions: KEP-3866 (nftables alpha in 1.29, GA in 1.33) and KEP-5495 (ipvs
// deprecated in 1.35, off by default in 1.40, removed in 1.43).
const (
	factAlpha = "nftables mode is alpha in v1.29 and rewrites everything on every sync; " +
		"it is GA from v1.33 on"
	factGA         = "nftables mode is GA since v1.33"
	factDeprecated = "ipvs mode is deprecated since v1.35, off by default in v1.40 and removed in v1.43"
	factUpgrade    = "upgrade kube-proxy first: v1.30 to v1.32 have nftables as alpha or beta"
	factMaps       = "services of two endpoints or more each have a map, and naming one visits all others: " +
		"full syncs grow with their square"
)

// advise compares the present mode with nftables: the one mode that is neither linear per packet
// nor on its way out.
func advise(now, nft Option, v Version) Advice {
	a := Advice{Mode: now.Mode}
	switch {
	case now.Mode == NFTables && v == V1_29:
		a.say(factAlpha)
	case now.Mode == NFTables:
		a.say(factGA)
	case v == V1_29:
		a.figures(now, nft)
		a.say(factAlpha)
		a.say(factUpgrade)
		if now.Mode == IPVS {
			a.say(factDeprecated)
		} else {
			a.say("do not move to ipvs in the meantime: " + factDeprecated)
		}
	case now.Mode == IPVS:
		a.Mode = NFTables
		a.say(factDeprecated)
		a.figures(now, nft)
		a.say(factGA)
	case nft.Partial.Duration() < now.Partial.Duration():
		a.Mode = NFTables
		a.figures(now, nft)
		a.say(factGA)
		a.say("do not move to ipvs: " + factDeprecated)
	default:
		a.figures(now, nft)
		a.say("nothing to gain yet; " + factGA)
	}
	if nft.Full.Duration() > max(5*time.Second, 2*now.Full.Duration()) {
		a.say(fmt.Sprintf("a full sync would take %s, %s now, and a restart of kube-proxy is one: %s",
			brief(nft.Full.Duration()), brief(now.Full.Duration()), factMaps))
	}
	return a
}

func (a *Advice) say(reason string) { a.Reasons = append(a.Reasons, reason) }

// figures adds the numbers of both modes.
func (a *Advice) figures(now, nft Option) {
	a.say(fmt.Sprintf("a sync after a change takes %s with %s, %s with %s",
		brief(now.Partial.Duration()), now, brief(nft.Partial.Duration()), nft))
	a.say(fmt.Sprintf("a change waits %s now, %s then", brief(now.Staleness.Mean), brief(nft.Staleness.Mean)))
	a.say(fmt.Sprintf("a first packet to no service pays %s now, %s then",
		brief(now.FirstPacket.Miss), brief(nft.FirstPacket.Miss)))
}

// brief rounds a duration to two digits.
func brief(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit).String()
}
