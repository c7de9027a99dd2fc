// Package capacity_test holds package capacity against the real kube-scheduler: named cases,
// random clusters and templates, and benchmarks beside the scheduling loop.
package capacity_test
