package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// A spread is a median with its quartiles: half of the values lie between low and high.
type spread struct{ low, median, high float64 }

func spreadOf(v []float64) spread {
	return spread{quantile(v, 0.25), median(v), quantile(v, 0.75)}
}

// inverse is the spread of the other's ratio.
func (s spread) inverse() spread { return spread{1 / s.high, 1 / s.median, 1 / s.low} }

// known tells a spread of values from that of none.
func (s spread) known() bool { return s.median > 0 }

// String is for ratios.
func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median, s.low, s.high) }

// micros is for times.
func (s spread) micros() string {
	return fmt.Sprintf("%s (%s–%s)", micros(s.median), micros(s.low), micros(s.high))
}

func (s spread) MarshalJSON() ([]byte, error) {
	return json.Marshal([]float64{short(s.low), short(s.median), short(s.high)})
}

func (s *spread) UnmarshalJSON(b []byte) error {
	var v [3]float64
	err := json.Unmarshal(b, &v)
	*s = spread{v[0], v[1], v[2]}
	return err
}

// short keeps four digits: more would only be noise.
func short(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return v
}

// ratiosTo are those of each round to the same round of another.
func ratiosTo(other, micros []float64) []float64 {
	ratios := make([]float64, len(micros))
	for round, m := range micros {
		ratios[round] = m / other[round]
	}
	return ratios
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[int(q*float64(len(v)-1)+0.5)]
}
