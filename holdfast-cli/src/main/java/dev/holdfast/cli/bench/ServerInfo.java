package dev.holdfast.cli.bench;

import dev.holdfast.inspect.SafeText;
import java.util.ArrayList;
import java.util.List;

/**
 * What a cluster says of itself. Immutable.
 *
 * @param members their names; empty if it does not tell
 * @param servers one for each endpoint
 */
record ServerInfo(List<String> members, List<Server> servers) {

    /**
     * A server.
     *
     * @param version empty if it did not answer
     */
    record Server(String endpoint, String version, boolean isLeader, long databaseBytes) {}

    ServerInfo {
        members = List.copyOf(members);
        servers = List.copyOf(servers);
    }

    /** For people, fit for a terminal. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(
                members.isEmpty()
                        ? "members: not told"
                        : members.size()
                                + (members.size() == 1 ? " member: " : " members: ")
                                + SafeText.of(String.join(", ", members)));
        for (Server server : servers) {
            String what = server.version.isEmpty()
                    ? "did not answer"
                    : SafeText.of(server.version) + (server.isLeader ? ", leader" : "") + ", database "
                            + Figures.bytes(server.databaseBytes);
            lines.add("  " + server.endpoint + ": " + what);
        }
        return lines;
    }
}
