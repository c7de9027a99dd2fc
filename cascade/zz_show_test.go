package cascade

import (
	"context"
	"fmt"
	"os"
	"testing"
)

func TestShow(t *testing.T) {
	f, _ := os.Open(os.Getenv("ZZ_FILE"))
	s, err := ReadScenario(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Timeline {
		fmt.Println(int64(e.At), int64(e.Until), e)
	}
	for i := range 60 {
		fmt.Print(i*10, " ")
		for _, x := range r.Series {
			if i*10 < len(x.Values) {
				fmt.Print(x.Values[i*10], " ")
			}
		}
		fmt.Println()
	}
	fmt.Printf("%+v\n%+v\n", r.Verdict, r.Totals)
}
