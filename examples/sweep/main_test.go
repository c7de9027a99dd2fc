package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	require.NoError(t, command(context.Background(), args, &bytes.Buffer{}, &out, &errs), errs.String())
	return out.String()
}

// The pods of the Job that the manifest describes, run here one by one, and their logs merged,
// give what one process gives: byte for byte.
func TestTheJobsShardsMergeToTheSingleRun(t *testing.T) {
	plan := []string{"-runs=9", "-seed=3", "-range=delay=0:6", "-range=duration=60:300"}
	var job batchv1.Job
	manifest := output(t, append([]string{"manifest", "-image=i", "-shards=3"}, plan...)...)
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), &job))
	require.Equal(t, batchv1.IndexedCompletion, *job.Spec.CompletionMode)
	var logs string
	for i := range int(*job.Spec.Completions) {
		t.Setenv("JOB_COMPLETION_INDEX", string(rune('0'+i)))
		logs += output(t, job.Spec.Template.Spec.Containers[0].Args...)
	}
	require.NoError(t, os.Unsetenv("JOB_COMPLETION_INDEX"))
	file := filepath.Join(t.TempDir(), "parts.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(logs), 0o600))
	require.Equal(t, output(t, append(plan, "-o=json")...), output(t, "merge", "-json", file))
	require.Equal(t, output(t, plan...), output(t, "merge", file))
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	require.NoError(t, os.WriteFile(broken, []byte("{}\n{"), 0o600))
	one := filepath.Join(dir, "one")
	half := output(t, "-runs=4", "-shards=2", "-shard=1", "-range=delay=0:1")
	require.NoError(t, os.WriteFile(one, []byte(half), 0o600))
	for want, args := range map[string][]string{
		`sweep: command is "mrege", want merge, manifest or none`: {"mrege"},
		"line 2: unexpected end of JSON input":                    {"merge", broken},
		"sweep: merge: 1 of 2 shards are missing, the first is 0": {"merge", one},
		"sweep: Job.Image is empty, want the image":               {"manifest"},
		`Parameter is "speed", want one of delay`:                 {"-range=speed=1:2"},
		"sweep: Plan.Runs is 0, want >= 1":                        {"-runs=0"},
		"sweep: Shard is 5 of 2, want an index of 0 to count - 1": {"-shard=5", "-shards=2"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, command(context.Background(), args, &bytes.Buffer{}, &out, &bytes.Buffer{}), want)
		require.Empty(t, out.String())
	}
}
