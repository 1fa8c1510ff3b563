/**
 * How fast the locks are on somebody's own etcd.
 *
 * <p>A {@link dev.holdfast.cli.bench.Plan} says which {@link dev.holdfast.cli.bench.Workload}s run and for how long, a {@link
 * dev.holdfast.cli.bench.Target} is what they run on. {@link dev.holdfast.cli.bench.Bench} runs one after the other: a {@link
 * dev.holdfast.cli.bench.Setting} opens its clients, a {@link dev.holdfast.cli.bench.Contest} lets its threads lock and unlock, a {@link
 * dev.holdfast.cli.bench.Ledger} for each lock checks that never two held it, and a {@link dev.holdfast.cli.bench.Result} is what came of
 * it, for the {@link dev.holdfast.cli.bench.Report}, the {@link dev.holdfast.cli.bench.Plot} and the {@link
 * dev.holdfast.cli.bench.BenchJson}.
 */
@NullMarked
package dev.holdfast.cli.bench;

import org.jspecify.annotations.NullMarked;
