// Package capacity_test compares package capacity with the real kube-scheduler: named cases, random
// clusters and templates, and benchmarks beside the scheduling loop.
package capacity_test
