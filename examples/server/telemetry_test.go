package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// The pool of connections has metrics.
func TestPoolMetrics(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	s := start(t)
	s.send(t, "GET /ready", "")
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, scope := range read.ScopeMetrics {
		for _, m := range scope.Metrics {
			names = append(names, m.Name)
		}
	}
	for _, want := range []string{"pgxpool.acquires", "pgxpool.empty_acquire", "pgxpool.max_connections", "pgxpool.total_connections"} {
		if !slices.Contains(names, want) {
			t.Errorf("no metric %s in %q", want, names)
		}
	}
}

// Reads of scopes are counted for each server, and a standby says whether it is used.
func TestStandbyMetrics(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	s := startWithStandby(t, newDatabase(t))
	s.newPerson(t, "ada").must(t, "GET /api/tasks/", "")
	stats, _ := s.db.StandbyStats()
	standby := stats[0].Name
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	keep := func(name string, of attribute.Set, value float64) {
		for _, a := range of.ToSlice() {
			name += " " + a.Value.AsString()
		}
		got[name] = value
	}
	for _, scope := range read.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					keep(m.Name, point.Attributes, float64(point.Value))
				}
			case metricdata.Gauge[int64]:
				for _, point := range data.DataPoints {
					keep(m.Name, point.Attributes, float64(point.Value))
				}
			case metricdata.Gauge[float64]:
				for _, point := range data.DataPoints {
					keep(m.Name, point.Attributes, point.Value)
				}
			}
		}
	}
	for name, want := range map[string]float64{ // the session, and the list
		"bizydb.reads primary": 2, "bizydb.reads " + standby: 0, "bizydb.standby.up " + standby: 0, "bizydb.standby.lag " + standby: 0,
		"bizydb.standby.fallbacks behind " + standby: 0, "bizydb.standby.fallbacks failed " + standby: 0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v, want %v; there are %v", name, value, want, got)
		}
	}
}

// A trace has the route, each round trip and each query by its name, and nothing that a user has written.
func TestSpans(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	s := start(t)
	ada := s.newPerson(t, "ada")
	ada.must(t, "GET /api/tasks/", "") // the session is looked up with the first request
	for i, c := range []struct {
		request, body string
		want          []string
	}{
		{"GET /api/tasks/7", "", []string{"GET /api/tasks/{task_id}", "round trip of GetTask", "GetTask"}},
		{"POST /api/tasks/", `{"title": "private"}`, []string{"POST /api/tasks/{$}", "round trip of CreateTask", "CreateTask"}},
		{"GET /api/goals/stats/summary", "", []string{"GET /api/goals/stats/summary", "round trip of GoalCountsByStatus", "GoalCountsByStatus", "GoalCountsByHorizon", "Overview"}},
	} {
		trace := strings.Repeat("0", 31) + string(rune('1'+i))
		s.send(t, c.request, c.body, "Authorization", "Bearer "+ada.token, "traceparent", "00-"+trace+"-0000000000000001-01")
		var names []string
		trips := 0
		for _, span := range spansOf(t, recorder, trace, c.want[0]) {
			names = append(names, span.Name())
			if strings.HasPrefix(span.Name(), "round trip") {
				trips++
			}
			for _, a := range span.Attributes() {
				if strings.Contains(a.Value.String(), "private") {
					t.Errorf("%s has %s", span.Name(), a.Value.String())
				}
			}
		}
		for _, want := range c.want {
			if !slices.Contains(names, want) {
				t.Errorf("%s: no span %q in %q", c.request, want, names)
			}
		}
		if trips != 1 {
			t.Errorf("%s: %d round trips", c.request, trips)
		}
	}
}

// A line of the log has the trace of its request, so that one leads to the other.
func TestTraceOfLogLines(t *testing.T) {
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	s := start(t)
	const trace = "000000000000000000000000000000a1"
	s.send(t, "POST /login", `{"username": "ada", "password": "wrong"}`, "traceparent", "00-"+trace+"-0000000000000001-01")
	found := map[string]bool{}
	for line := range strings.Lines(s.log.String()) {
		var l struct {
			Message string `json:"msg"`
			Trace   string `json:"trace_id"`
			Span    string `json:"span_id"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Trace == trace && len(l.Span) == 16 {
			found[l.Message] = true
		}
	}
	for _, message := range []string{"request", "sign-in refused"} {
		if !found[message] {
			t.Errorf("no line %q of the trace in %s", message, s.log)
		}
	}

	var out strings.Builder
	log := newLog(&out).With("a", 1).WithGroup("b")
	log.InfoContext(t.Context(), "no request")
	ctx, span := otel.Tracer("test").Start(t.Context(), "job")
	log.InfoContext(ctx, "job")
	span.End()
	if lines := strings.Split(out.String(), "\n"); strings.Contains(lines[0], "trace_id") || !strings.Contains(lines[1], span.SpanContext().TraceID().String()) {
		t.Errorf("%s", &out)
	}
}

// spansOf are the spans of a trace, once that of the request is there: it ends when the answer has gone.
func spansOf(t *testing.T, recorder *tracetest.SpanRecorder, trace, request string) []sdktrace.ReadOnlySpan {
	t.Helper()
	for range 1000 {
		spans := slices.DeleteFunc(recorder.Ended(), func(s sdktrace.ReadOnlySpan) bool { return s.SpanContext().TraceID().String() != trace })
		if slices.ContainsFunc(spans, func(s sdktrace.ReadOnlySpan) bool { return s.Name() == request }) {
			return spans
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no span %q", request)
	return nil
}
