package etcdmodel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func BenchmarkPredict(b *testing.B) {
	op := Op{Kind: TxnUpdate, Key: 60, Value: 1024}
	for _, members := range []int{1, 3} {
		b.Run(fmt.Sprintf("10s of 10000 ops/s, %d members", members), func(b *testing.B) {
			c := Cluster{Members: members, CPU: CPU{Accept: 50 * time.Microsecond}}
			l := Load{Streams: []Stream{{Op: op, Rate: 10_000, Keys: 1000}}}
			b.ReportAllocs()
			for b.Loop() {
				_, err := Predict(c, l)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/prediction")
		})
	}
}

func BenchmarkEstimate(b *testing.B) {
	op := Op{Kind: TxnUpdate, Key: 60, Value: 1024}
	read := Op{Kind: Range, Key: 60, Value: 1024}
	for name, l := range map[string]Load{
		"open": {Streams: []Stream{{Op: op, Rate: 1000, Keys: 1000}}}, "100 clients": {Clients: 100, Op: op, Keys: 1000},
		"100 readers": {Clients: 100, Op: read, Streams: []Stream{{Op: op, Rate: 1000, Keys: 1000}}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := Estimate(Cluster{}, l)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/estimate")
		})
	}
}
