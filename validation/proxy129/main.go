// Command proxy129 is kube-proxy v1.29.2 as an oracle: the real iptables, nftables and ipvs
// proxiers over fakes that record what they write. It reads requests on standard input, one JSON
// object a line. It answers each on standard output with a line of JSON and the text that was
// written.
//
// The test in ../proxy starts it. It is a module of its own because two versions of Kubernetes do
// not build into one program.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/klog/v2"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "proxy129:", err)
		os.Exit(1)
	}
}

// serve answers requests until the input ends. Requests name a proxier by a number of the caller's
// choice.
func serve(r io.Reader, w io.Writer) error {
	klog.SetLogger(klog.Logger{}) // discards
	dir, err := fakeNFT()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	proxiers := map[int]*running{}
	in, out := json.NewDecoder(bufio.NewReader(r)), bufio.NewWriter(w)
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch {
		case q.New != nil:
			p, err := start(*q.New)
			if err != nil {
				return err
			}
			proxiers[q.ID] = p
		case q.Drop:
			delete(proxiers, q.ID)
		default:
			if err := proxiers[q.ID].sync(q, out); err != nil {
				return err
			}
		}
	}
}

// fakeNFT puts an nft first in PATH that answers the constructor's questions, so that neither root
// nor nftables are needed.
func fakeNFT() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "nft"); err != nil {
		return "", err
	}
	script := "#!/bin/sh\ncase $1 in --version) echo 'nftables v1.0.6 (Lester Gooch #5)';; *) cat >/dev/null;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "nft"), []byte(script), 0o755); err != nil {
		return "", err
	}
	return dir, os.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}
