package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/bizy-ai/bizydb/bizydb"
)

// startTelemetry sends traces and metrics where OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OpenTelemetry say.
func startTelemetry(ctx context.Context) (stop func(context.Context) error, err error) {
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, err
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	otel.SetTracerProvider(traces)
	otel.SetMeterProvider(meters)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func(ctx context.Context) error { return errors.Join(traces.Shutdown(ctx), meters.Shutdown(ctx)) }, nil
}

// recordStandbys makes metrics of the reads of scopes: where they were answered, and which standby has sent how many back to the primary.
func recordStandbys(db *bizydb.DB) error {
	if standbys, _ := db.StandbyStats(); standbys == nil {
		return nil
	}
	meter := otel.Meter("example.com/server")
	reads, err1 := meter.Int64ObservableCounter("bizydb.reads", metric.WithDescription("Reads of scopes that a server has answered."))
	again, err2 := meter.Int64ObservableCounter("bizydb.standby.fallbacks", metric.WithDescription("Reads that a standby has not answered, and that went to the primary: it was behind, or failed."))
	lag, err3 := meter.Float64ObservableGauge("bizydb.standby.lag", metric.WithUnit("s"), metric.WithDescription("Age of the last transaction that a standby has replayed, at the last probe."))
	up, err4 := meter.Int64ObservableGauge("bizydb.standby.up", metric.WithDescription("1 if a standby gets reads, 0 if it is down."))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		standbys, primary := db.StandbyStats()
		o.ObserveInt64(reads, primary, metric.WithAttributes(attribute.String("server", "primary")))
		for _, s := range standbys {
			server := attribute.String("server", s.Name)
			because := func(reason string) metric.MeasurementOption {
				return metric.WithAttributes(server, attribute.String("reason", reason))
			}
			of := metric.WithAttributes(server)
			o.ObserveInt64(reads, s.Reads, of)
			o.ObserveInt64(again, s.Behind, because("behind"))
			o.ObserveInt64(again, s.Failed, because("failed"))
			o.ObserveFloat64(lag, s.Lag.Seconds(), of)
			if s.Down == nil {
				o.ObserveInt64(up, 1, of)
			} else {
				o.ObserveInt64(up, 0, of)
			}
		}
		return nil
	}, reads, again, lag, up)
	return err
}

// newLog returns the log of the service, as lines of JSON.
func newLog(out io.Writer) *slog.Logger { return slog.New(traceHandler{slog.NewJSONHandler(out, nil)}) }

// A traceHandler adds the trace that a record belongs to.
type traceHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h traceHandler) WithGroup(name string) slog.Handler {
	return traceHandler{h.Handler.WithGroup(name)}
}

// A tracer makes a span of each query and of each round trip.
type tracer struct{ *otelpgx.Tracer }

func newTracer() tracer {
	return tracer{otelpgx.NewTracer(otelpgx.WithSpanNameFunc(spanName))}
}

// TraceBatchStart names the span of a round trip by its first query: otelpgx calls each "batch start".
func (t tracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	ctx = t.Tracer.TraceBatchStart(ctx, conn, data)
	if name := bizydb.QueryName(ctx); name != "" {
		trace.SpanFromContext(ctx).SetName("round trip of " + name)
	}
	return ctx
}

// spanName is the name that a query has in a comment, as sqlc reads it, or else its first word.
func spanName(sql string) string {
	if named, ok := strings.CutPrefix(sql, "-- name: "); ok {
		name, _, _ := strings.Cut(named, " ")
		return name
	}
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	return word
}
