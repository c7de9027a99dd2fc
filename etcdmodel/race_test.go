//go:build race

package etcdmodel

func init() { racing = true }
