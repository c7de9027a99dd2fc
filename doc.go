// Package redline is a library of Kubernetes capacity and scheduling models.
package redline
