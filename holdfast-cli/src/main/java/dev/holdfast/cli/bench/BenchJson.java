package dev.holdfast.cli.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.holdfast.cli.inspect.LockJson;

/** A run as one JSON document, fit for a terminal as well. */
final class BenchJson {

    private BenchJson() {}

    static String of(Outcome outcome) {
        Plan plan = outcome.plan();
        JsonObject json = new JsonObject();
        json.addProperty("version", outcome.version());
        json.addProperty("jitCompilers", outcome.compilers());
        json.addProperty("target", outcome.target());
        JsonArray members = new JsonArray();
        outcome.servers().members().forEach(members::add);
        json.add("members", members);
        JsonArray servers = new JsonArray();
        for (ServerInfo.Server server : outcome.servers().servers()) {
            JsonObject each = new JsonObject();
            each.addProperty("endpoint", server.endpoint());
            each.addProperty("version", server.version());
            each.addProperty("isLeader", server.isLeader());
            each.addProperty("databaseBytes", server.databaseBytes());
            servers.add(each);
        }
        json.add("servers", servers);
        json.addProperty("warmUpSeconds", plan.warmUpSeconds());
        json.addProperty("seconds", plan.seconds());
        json.addProperty("ttlSeconds", plan.ttlSeconds());
        json.addProperty("nanosOfMeasuring", outcome.nanosOfMeasuring());
        json.addProperty("isComplete", outcome.isComplete());
        json.addProperty("isVoid", outcome.isVoid());
        JsonArray workloads = new JsonArray();
        outcome.results().forEach(result -> workloads.add(workload(result, plan)));
        json.add("workloads", workloads);
        return LockJson.print(json);
    }

    private static JsonObject workload(Result result, Plan plan) {
        JsonObject json = new JsonObject();
        json.addProperty("name", result.workload().toString());
        json.addProperty("description", result.workload().description(plan));
        json.addProperty("clients", result.workload().clients());
        json.addProperty("threadsOfEach", result.workload().threadsOfEach(plan));
        json.addProperty("seconds", result.seconds());
        json.addProperty("pairs", result.pairs());
        json.addProperty("pairsPerSecond", result.pairsPerSecond());
        json.addProperty("compilerSeconds", result.compilerSeconds());
        JsonArray violations = new JsonArray();
        result.violations().forEach(violations::add);
        json.add("violations", violations);
        for (Result.Row row : result.rows()) {
            Latency latency = Latency.of(row.durations());
            JsonObject each = new JsonObject();
            each.addProperty("count", latency.count());
            each.addProperty("p50Nanos", latency.p50Nanos());
            each.addProperty("p99Nanos", latency.p99Nanos());
            each.addProperty("maxNanos", latency.maxNanos());
            json.add(row.name(), each);
        }
        JsonArray rates = new JsonArray();
        for (Rate rate : result.rates()) {
            JsonObject each = new JsonObject();
            each.addProperty("atSeconds", rate.atSeconds());
            each.addProperty("pairsPerSecond", rate.perSecond());
            rates.add(each);
        }
        json.add("rates", rates);
        return json;
    }
}
