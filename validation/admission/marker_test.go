package admission_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The API server's admission plugins have informers of their own, which nobody outside can ask.
// Their decisions show what they have seen: a LimitRange of these namespaces gives a default that
// counts up, and a ResourceQuota a limit that stands in the refusal. Whatever was written before
// has then been seen too, since an informer has one watch for all namespaces.
const (
	limitMarker = "marker-limits"
	quotaMarker = "marker-quotas"
	marked      = "example.com/marked"
)

// mark makes the two namespaces.
func (l lab) mark(t *testing.T) {
	t.Helper()
	for _, name := range []string{limitMarker, quotaMarker} {
		_, err := l.CoreV1().Namespaces().Create(l.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}},
			metav1.CreateOptions{})
		require.NoError(t, err)
	}
	_, err := l.CoreV1().LimitRanges(limitMarker).Create(l.ctx, limitMark(0), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = l.CoreV1().ResourceQuotas(quotaMarker).Create(l.ctx, quotaMark(0), metav1.CreateOptions{})
	require.NoError(t, err)
}

func limitMark(n int) *corev1.LimitRange {
	return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "mark"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type:    corev1.LimitTypeContainer,
			Default: corev1.ResourceList{"cpu": *resource.NewQuantity(int64(n+1), resource.DecimalSI)}}}}}
}

func quotaMark(n int) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "mark"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"requests." + marked: *resource.NewQuantity(int64(n), resource.DecimalSI)}}}
}

// admitted waits until the plugins know all quotas and limits that have been written.
func (l lab) admitted(t *testing.T) {
	t.Helper()
	*l.marks++
	n := *l.marks
	_, err := l.CoreV1().LimitRanges(limitMarker).Update(l.ctx, limitMark(n), metav1.UpdateOptions{})
	require.NoError(t, err)
	_, err = l.CoreV1().ResourceQuotas(quotaMarker).Update(l.ctx, quotaMark(n), metav1.UpdateOptions{})
	require.NoError(t, err)
	pod := func(r corev1.ResourceRequirements) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "mark"},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c", Resources: r}}}}
	}
	try := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	require.Eventually(t, func() bool {
		given, err := l.CoreV1().Pods(limitMarker).Create(l.ctx, pod(corev1.ResourceRequirements{}), try)
		return err == nil && given.Spec.Containers[0].Resources.Limits.Cpu().Value() == int64(n+1)
	}, time.Minute, 5*time.Millisecond)
	much := corev1.ResourceList{marked: resource.MustParse("1M")}
	require.Eventually(t, func() bool {
		_, err := l.CoreV1().Pods(quotaMarker).Create(l.ctx,
			pod(corev1.ResourceRequirements{Requests: much, Limits: much}), try)
		return err != nil && strings.HasSuffix(err.Error(), fmt.Sprintf("limited: requests.%s=%d", marked, n))
	}, time.Minute, 5*time.Millisecond)
}
