// Package redline is the map of a library of Kubernetes capacity and scheduling models. It answers,
// before anyone touches a cluster: will it fit, and will the control plane hold?
//
// # The house
//
// Import the package that has your question. Each stands alone, and imports only what is below it.
//
//	kube                  the releases of Kubernetes that the models follow, one Version for all
//	capacity              how many replicas fit, and why not the next
//	capacity/live         the same of a running cluster, read with list rights only
//	scheduler/retry       what pods that cannot be scheduled write to the API server
//	etcdmodel             what etcd and its disk make of a write load
//	etcdmodel/alerts      alerting rules and a dashboard for that etcd, with thresholds from the
//	                      prediction
//	etcdmodel/kubeops     what the objects and the API servers of a cluster ask of etcd
//	proxymodel            how many rules kube-proxy keeps, and what a sync of them costs
//	proxymodel/measure    what such a sync costs on this machine
//	scheduler             where each replica lands and why, with kube-scheduler's own plugins
//	hpa                   what a HorizontalPodAutoscaler asks for, sync by sync, and the most it can
//	cascade               all coupled: does the control plane degrade, recover or stay down,
//	                      and what prevents it
//	cascade/scenario      the input of that: a cluster, its load and what goes wrong, in Go or YAML
//	cascade/story         its output: events with their causes, series, verdict and totals
//	cascade/incident8829  the incident report behind Redline, and what of it stock Kubernetes can do
//	cascade/sweep         a hundred thousand such runs over ranges of parameters
//	cascade/report        one such run as plots and a page
//
// The simulator behind cascade is in cascade/internal/sim: one kernel, and one file a component.
//
// All but scheduler and capacity/live are light. They import k8s.io/api, apimachinery and gonum at
// most, and cascade/report its plot library. They build for the browser too. scheduler is the only
// importer of k8s.io/kubernetes.
//
// # A tour
//
//	objects, _ := capacity.Read(dump)               // kubectl get node,pod,quota,limits -A -o yaml
//	snapshot, _ := capacity.NewSnapshot(objects...) // immutable, safe for concurrent use
//	workload, _ := capacity.WorkloadOf(deployment)
//	answer, _ := snapshot.Fit(ctx, workload)        // microseconds; Message is kube-scheduler's
//	more, _ := snapshot.NodesNeeded(ctx, workload, node)
//
//	engine, _ := scheduler.New(scheduler.Config{})
//	fallback := capacity.Fallback(engine)           // spread, affinity, volumes, devices too
//	answer, _ = snapshot.Fit(ctx, workload, fallback)
//
//	load, _ := retry.Predict(kube.V1_29, pressure)  // attempts/s, patches/s, Events/s
//	commit, _ := etcdmodel.Predict(cluster, writes) // latency, database growth, time to quota
//	result, _ := cascade.Run(ctx, cascade.Incident8829())
//
// # Units
//
// Times are time.Duration, amounts resource.Quantity or bytes. A bare float64 is a rate a second or
// a ratio, and its name says which.
//
// # Determinism
//
// A model reads no clock, no global randomness and no map order: the same input and seed give the
// same bytes on any number of cores. Time is what the caller passes, since the start.
//
// # Versions
//
// Kubernetes v1.37 is what kube-scheduler's plugins and the real components of validation/ come
// from. Behaviours that changed are modelled per version, v1.29 (the incident's) and v1.37 at
// least. A zero [kube.Version] means the newest that a model follows. A version that it does not
// follow is an error that names its neighbours. etcd's versions are [etcdmodel.Version]: 3.5, 3.6
// and 3.7.
//
// [kube.Version]: https://pkg.go.dev/github.com/redline-go/redline/kube#Version
// [etcdmodel.Version]: https://pkg.go.dev/github.com/redline-go/redline/etcdmodel#Version
package redline
