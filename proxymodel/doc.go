// Package proxymodel answers what kube-proxy makes of a cluster's services.
package proxymodel
