package report

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

func slow(t *testing.T) *cascade.Result {
	t.Helper()
	r, err := cascade.Run(context.Background(), cascade.Scenario{
		Length: 5 * time.Minute, Nodes: 20, Actions: []scenario.Action{
			{At: 30 * time.Second, Do: scenario.Delay, For: 2 * time.Second},
			{At: 2 * time.Minute, Do: scenario.Delay},
		},
	})
	require.NoError(t, err)
	return r
}

func TestEverySeriesIsDrawnOnce(t *testing.T) {
	r := slow(t)
	f, err := Series(r)
	require.NoError(t, err)
	require.NotEmpty(t, f.Panels)
	r.Series = append(r.Series, story.Series{Name: "something new", Unit: "x", Values: []float64{1, 2}})
	more, err := Series(r)
	require.NoError(t, err)
	require.Len(t, more.Panels, len(f.Panels)+1)
	_, err = Series(&cascade.Result{})
	require.EqualError(t, err, "report: Result.Series is empty, want one series at least")
}

func TestPicturesAreWellFormedAndTheSameTwice(t *testing.T) {
	f, err := Series(slow(t))
	require.NoError(t, err)
	again, err := Series(slow(t))
	require.NoError(t, err)
	first, err := f.SVG()
	require.NoError(t, err)
	second, err := again.SVG()
	require.NoError(t, err)
	require.True(t, bytes.Equal(first, second))
	for d := xml.NewDecoder(bytes.NewReader(first)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	dir := t.TempDir()
	require.NoError(t, f.Write(filepath.Join(dir, "a.png")))
	file, err := os.Open(filepath.Join(dir, "a.png"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	image, err := png.DecodeConfig(file)
	require.NoError(t, err)
	require.Equal(t, 1800, image.Width)
	require.ErrorContains(t, f.Write(filepath.Join(dir, "a.gif")), "want .svg or .png")
}

func TestPageNeedsNothingElse(t *testing.T) {
	f, err := Series(slow(t))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, HTML(&b, Page{
		Title: "A <slow> disk", Summary: []string{"It & all."}, Story: []string{"0:00 x <- y"}, Figures: []Figure{f},
		Tables: []Table{{Title: "T", Header: []string{"a", "b"}, Rows: [][]string{{"1", "<2>"}}}},
	}))
	page := b.String()
	require.Contains(t, page, "A &lt;slow&gt; disk")
	require.Contains(t, page, "<td>&lt;2&gt;</td>")
	require.Contains(t, page, "<svg")
	for _, outside := range []string{"<script", "src=", "@import", "url("} {
		require.NotContains(t, page, outside)
	}
	ragged := Page{Tables: []Table{{Title: "T", Header: []string{"a"}, Rows: [][]string{{"1", "2"}}}}}
	require.EqualError(t, HTML(&b, ragged), `report: Table "T": row 0 has 2 cells, want 1 as the header`)
}
