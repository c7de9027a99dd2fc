package capacity

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/internal/admission"
)

// isScalar says that the scheduler counts a resource beside the basic four.
func isScalar(name corev1.ResourceName) bool { return admission.IsScalar(name) }
