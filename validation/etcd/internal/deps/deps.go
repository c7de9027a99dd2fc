//go:build deps

package deps

import (
	_ "github.com/prometheus/common/expfmt"
	_ "github.com/redline-go/redline"
	_ "github.com/redline-go/redline/validation/etcd/slowdisk"
	_ "github.com/stretchr/testify/require"
	_ "go.etcd.io/etcd/client/v3"
)
