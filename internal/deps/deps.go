//go:build deps

package deps

import (
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/prometheus/client_model/go"
	_ "github.com/prometheus/common/expfmt"
	_ "github.com/stretchr/testify/require"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/term"
	_ "gonum.org/v1/gonum/mat"
	_ "gonum.org/v1/plot"
	_ "gonum.org/v1/plot/vg/vgsvg"
	_ "k8s.io/api/core/v1"
	_ "k8s.io/apimachinery/pkg/api/resource"
	_ "k8s.io/client-go/kubernetes"
	_ "k8s.io/client-go/tools/clientcmd"
	_ "k8s.io/component-helpers/resource"
	_ "k8s.io/component-helpers/scheduling/corev1"
	_ "k8s.io/dynamic-resource-allocation/structured"
	_ "k8s.io/kube-scheduler/framework"
	_ "k8s.io/kubernetes/pkg/scheduler"
	_ "k8s.io/utils/ptr"
	_ "sigs.k8s.io/yaml"
)
