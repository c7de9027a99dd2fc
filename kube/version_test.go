package kube_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/kube"
)

func ExampleVersion_In() {
	modelled := []kube.Version{kube.V1_29, kube.V1_37}
	v, _ := kube.Parse("v1.29.4-gke.1043000")
	entry, _ := v.In("retry: Version", modelled)
	fmt.Println(v, "behaves as", entry)
	v, _ = kube.Parse("1.33")
	_, err := v.In("retry: Version", modelled)
	fmt.Println(err)
	// Output:
	// v1.29.4 behaves as v1.29
	// retry: Version is v1.33, want v1.29 or v1.37
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"1.29": "v1.29", "v1.29": "v1.29", "v1.29.0": "v1.29", "v1.36.1": "v1.36.1", "1.36.255": "v1.36.255",
		"v1.31.4+k3s1": "v1.31.4", "v1.31.4-eks-1a": "v1.31.4",
	} {
		v, err := kube.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, v.String())
		var again kube.Version
		written, err := v.MarshalText()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalText(written))
		require.Equal(t, v, again)
	}
	for _, text := range []string{"", "v", "1", "2.0", "1.0", "1.x", "1.29.x", "1.29.256", "1.29.1.1", "1.-3", "1.99999"} {
		_, err := kube.Parse(text)
		require.ErrorContains(t, err, "kube: Version is", text)
	}
}

func TestIn(t *testing.T) {
	patch, err := kube.Parse("v1.36.1")
	require.NoError(t, err)
	modelled := []kube.Version{kube.V1_29, patch, kube.V1_37}
	for text, want := range map[string]string{
		"1.29.9": "v1.29", "1.36.1": "v1.36.1", "1.36.7": "v1.36.1", "1.37.2": "v1.37",
	} {
		v, err := kube.Parse(text)
		require.NoError(t, err)
		entry, err := v.In("retry: Version", modelled)
		require.NoError(t, err)
		require.Equal(t, want, entry.String())
	}
	newest, err := kube.Version(0).In("retry: Version", modelled)
	require.NoError(t, err)
	require.Equal(t, kube.V1_37, newest)
	for text, neighbours := range map[string]string{
		"1.36.0": "want v1.29 or v1.36.1", "1.28.9": "want v1.29", "1.38": "want v1.37",
	} {
		v, err := kube.Parse(text)
		require.NoError(t, err)
		_, err = v.In("retry: Version", modelled)
		require.ErrorContains(t, err, neighbours)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("v1.29.4-gke.1")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := kube.Parse(s)
		if err != nil {
			return
		}
		again, err := kube.Parse(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}
