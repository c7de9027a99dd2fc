package cascade

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/scheduler/retry"
)

// ReadScenario reads a scenario in YAML: the fields of [Scenario] under the names of their tags, durations as in "1m30s".
// A field that does not exist, a second document and a scenario that cannot be are errors, the first with its line.
//
//	nodes: 100
//	version: v1.29
//	actions:
//	- {at: 30s, do: scale, n: 500}
//	- {at: 2m, do: delay, for: 4s}
//	- {at: 5m, do: delay}
func ReadScenario(r io.Reader) (Scenario, error) {
	var f fileScenario
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			return Scenario{}, errors.New("cascade: the scenario is empty, want YAML")
		}
		return Scenario{}, fmt.Errorf("cascade: scenario: %s", strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n  ", " "), "yaml: "))
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Scenario{}, errors.New("cascade: the scenario is followed by another document, want one")
	}
	s, err := f.scenario()
	if err != nil {
		return Scenario{}, err
	}
	return s, s.Check()
}

// fileScenario is a scenario whose versions and modes are words.
type fileScenario struct {
	Scenario `yaml:",inline"`

	Kubernetes string `yaml:"version,omitempty"`
	EtcdFile   struct {
		Etcd    `yaml:",inline"`
		Release string `yaml:"version,omitempty"`
	} `yaml:"etcd,omitempty"`
	ProxyFile struct {
		Proxy `yaml:",inline"`
		Word  string `yaml:"mode,omitempty"`
	} `yaml:"proxy,omitempty"`
}

func (f fileScenario) scenario() (Scenario, error) {
	s := f.Scenario
	s.Etcd, s.Proxy = f.EtcdFile.Etcd, f.ProxyFile.Proxy
	if f.EtcdFile.Release != "" {
		v, err := etcdmodel.ParseVersion(f.EtcdFile.Release)
		if err != nil {
			return s, fmt.Errorf("cascade: etcd.version: %w", err)
		}
		s.Etcd.Version = v
	}
	switch strings.TrimPrefix(f.Kubernetes, "v") {
	case "":
	case "1.29":
		s.Version = retry.V1_29
	case "1.37":
		s.Version = retry.V1_37
	default:
		return s, bad("version", f.Kubernetes, "v1.29 or v1.37")
	}
	for _, m := range []proxymodel.Mode{proxymodel.IPTables, proxymodel.NFTables, proxymodel.IPVS} {
		if f.ProxyFile.Word == m.String() {
			s.Proxy.Mode = m
			return s, nil
		}
	}
	if f.ProxyFile.Word != "" {
		return s, bad("proxy.mode", f.ProxyFile.Word, "iptables, nftables or ipvs")
	}
	return s, nil
}

// YAML is the scenario as [ReadScenario] reads it.
func (s Scenario) YAML() ([]byte, error) {
	f := fileScenario{Scenario: s}
	if s.Version != 0 {
		f.Kubernetes = s.Version.String()
	}
	f.EtcdFile.Etcd, f.ProxyFile.Proxy = s.Etcd, s.Proxy
	if s.Etcd.Version != 0 {
		f.EtcdFile.Release = s.Etcd.Version.String()
	}
	f.ProxyFile.Word = s.Proxy.Mode.String()
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("cascade: scenario: %w", err)
	}
	return b.Bytes(), nil
}
