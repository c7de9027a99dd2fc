// Package kubeops compares what etcdmodel/kubeops says of Kubernetes objects with what a real
// kube-apiserver stores in a real etcd: sizes and keys of every object, encrypted or not, and the
// writes that its metrics pages tell of.
package kubeops
