package proxymodel

import "strconv"

// nftScript adds up the commands of an nft script: rules per chain, chains, commands and bytes of
// text. A netlink transaction carries the same commands.
type nftScript struct {
	family string // ip or ip6
	rules  map[string]int
	chains map[string]bool
	ops    int
	bytes  int
}

func newScript(f *family) *nftScript {
	s := &nftScript{family: "ip", rules: map[string]int{}, chains: map[string]bool{}}
	if f.v6 {
		s.family = "ip6"
	}
	return s
}

// op adds the command "VERB OBJECT FAMILY kube-proxy TEXT".
func (s *nftScript) op(verb, object, text string) {
	s.ops++
	s.bytes += len(verb+" "+object+" "+s.family+" kube-proxy "+text) + 1
}

// chain creates a chain of its own if it is not there, and empties it.
func (s *nftScript) chain(name string) {
	if !s.chains[name] {
		s.op("add", "chain", name)
		s.op("flush", "chain", name)
		s.chains[name] = true
	}
}

// baseChain creates a chain that hangs on a netfilter hook, and empties it.
func (s *nftScript) baseChain(name, kind, hook, priority string) {
	s.op("add", "chain", name+" { type "+kind+" hook "+hook+" priority "+priority+" ; }")
	s.op("flush", "chain", name)
	s.chains[name] = true
}

func (s *nftScript) rule(chain, rule, comment string) {
	text := chain + " " + rule
	if comment != "" {
		text += " comment " + strconv.Quote(comment)
	}
	s.op("add", "rule", text)
	s.rules[chain]++
}

// container creates a set or map.
func (s *nftScript) container(object, name, kind, comment string) {
	s.op("add", object, name+" { type "+kind+" ; comment "+strconv.Quote(comment)+" ; }")
}
