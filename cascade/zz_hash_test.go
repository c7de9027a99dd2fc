package cascade

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func hashResult(r *Result) string {
	h := sha256.New()
	for _, e := range r.Timeline {
		fmt.Fprintln(h, int64(e.At), int64(e.Until), string(e.Kind), string(e.Cause), e.N, e.Who)
	}
	fmt.Fprintln(h, int64(r.Grid))
	for _, s := range r.Series {
		fmt.Fprintln(h, s.Name, s.Unit, len(s.Values))
		for _, v := range s.Values {
			fmt.Fprintln(h, math.Float64bits(v))
		}
	}
	fmt.Fprintf(h, "%+v\n%+v\n", r.Verdict, r.Totals)
	for _, w := range r.Warnings {
		fmt.Fprintln(h, w)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:12])
}

func TestZZ(t *testing.T) {
	f, err := os.Open("/tmp/zz/hashes.txt")
	if err != nil {
		t.Skip()
	}
	n, bad := 0, 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		w := strings.Fields(sc.Text())
		file, err := os.Open(filepath.Join("/tmp/zz/new", w[0]+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := ReadScenario(file)
		file.Close()
		if err != nil {
			t.Fatal(w[0], err)
		}
		r, err := Run(context.Background(), s)
		if err != nil {
			t.Fatal(w[0], err)
		}
		n++
		if hashResult(r) != w[1] {
			if bad++; bad < 12 {
				t.Error(w[0])
			}
		}
	}
	fmt.Println(n, bad)
}
