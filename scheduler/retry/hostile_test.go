package retry

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// eachHostile calls ask with every numeric field of *v, in turn, set to each hostile value.
func eachHostile(v any, ask func(what string)) {
	s := reflect.ValueOf(v).Elem()
	try := func(f reflect.Value, name string, x any) {
		before := reflect.New(f.Type()).Elem()
		before.Set(f)
		f.Set(reflect.ValueOf(x).Convert(f.Type()))
		ask(fmt.Sprintf("%s.%s = %v", s.Type().Name(), name, x))
		f.Set(before)
	}
	for i := range s.NumField() {
		f, name := s.Field(i), s.Type().Field(i).Name
		if f.CanInt() {
			for _, x := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1000, int64(time.Hour), math.MaxInt32} {
				try(f, name, x)
			}
		}
		if f.CanFloat() {
			for _, x := range []float64{
				0, 1, -1, 5e-324, 1e-20, 1e308, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1), 0.5,
			} {
				try(f, name, x)
			}
		}
	}
}

// requireCounts asserts that no number of an answer is negative, infinite or NaN.
func requireCounts(t *testing.T, what string, answer any) {
	t.Helper()
	v := reflect.ValueOf(answer)
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.CanInt():
			require.GreaterOrEqual(t, f.Int(), int64(0), "%s: %s", what, v.Type().Field(i).Name)
		case f.CanFloat():
			x := f.Float()
			require.False(t, math.IsNaN(x) || math.IsInf(x, 0) || x < 0, "%s: %s is %v", what, v.Type().Field(i).Name, x)
		}
	}
}

// Each numeric field of each exported input gives an error about input or sane counts, and ends.
func TestHostileFields(t *testing.T) {
	pressure := Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.25, Latency: time.Millisecond}
	eachHostile(&pressure, func(what string) {
		for _, v := range Modelled() {
			load, err := Predict(v, pressure)
			if err != nil {
				require.ErrorIs(t, err, ErrInput, what)
				continue
			}
			requireCounts(t, what, load)
		}
	})
	queue := func(what string, c Config, a API, pods int) {
		q, err := NewQueue(c)
		if err == nil {
			err = q.SetAPI(a)
		}
		if err != nil {
			require.Error(t, err, what)
			return
		}
		q.Add(pods)
		for range 20 {
			q.Wake()
			requireCounts(t, what, q.Advance(q.Now()+5*time.Second))
		}
		q.Remove(pods)
		requireCounts(t, what, q.Status())
	}
	var config Config
	eachHostile(&config, func(what string) { queue(what, config, API{}, 50) })
	api := API{Latency: time.Millisecond}
	eachHostile(&api, func(what string) { queue(what, Config{}, api, 50) })
	for _, n := range []int{math.MaxInt, math.MinInt, -1, 1} {
		queue(fmt.Sprint(n), Config{}, API{}, n)
	}
	set := func(what string, c ReplicaSetConfig, a ReplicaSetAPI, n int) {
		r, err := NewReplicaSet(c, 10)
		if err == nil {
			err = r.SetAPI(a)
		}
		if err != nil {
			require.Error(t, err, what)
			return
		}
		r.Scale(n)
		requireCounts(t, what, r.Advance(5*time.Second))
		for _, change := range []func(int){r.SetReady, r.Lose, r.Terminate, r.Gone} {
			change(min(n, 1000))
			change(-n)
		}
		requireCounts(t, what, r.Advance(10*time.Second))
		require.GreaterOrEqual(t, r.Active(), 0, what)
	}
	var replicas ReplicaSetConfig
	eachHostile(&replicas, func(what string) { set(what, replicas, ReplicaSetAPI{}, 50) })
	answers := ReplicaSetAPI{Latency: time.Millisecond}
	eachHostile(&answers, func(what string) { set(what, ReplicaSetConfig{}, answers, 50) })
	for _, n := range []int{math.MaxInt, math.MinInt, -1, 1} {
		set(fmt.Sprint(n), ReplicaSetConfig{}, ReplicaSetAPI{}, n)
	}
}
