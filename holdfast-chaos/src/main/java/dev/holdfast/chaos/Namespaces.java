package dev.holdfast.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongPredicate;
import java.util.regex.Pattern;

/**
 * A network namespace for each member and each place of clients, all on one bridge. Needs root. Thread-safe.
 *
 * <p>Its names are {@linkplain OwnName owned}. Addresses are of 198.18.0.0/15, which is reserved for trials of networks.
 */
final class Namespaces implements Net {

    private static final int CLIENT_PORT = 2379;
    private static final int PEER_PORT = 2380;
    private static final int FIRST_HOST = 11;
    private static final String INNER_LINK = "eth0";

    private static final Pattern COUNTED = Pattern.compile("counter packets [1-9]");

    private final String subnet;
    private final List<String> nodes = new ArrayList<>();
    private final Map<String, Integer> cuts = new HashMap<>();
    private final AtomicInteger tables = new AtomicInteger();

    private Namespaces(String subnet) {
        this.subnet = subnet;
    }

    /** Why there can be none; empty if there can. */
    static String impossible() {
        if (!Shell.attempt("id", "-u").output().equals("0")) {
            return "not root";
        }
        if (!Shell.has("ip")) {
            return "no program ip (package iproute2)";
        }
        String probe = OwnName.of("p");
        try {
            Shell.Result made = Shell.attempt("ip", "netns", "add", probe);
            Shell.Result linked = made.isDone()
                    ? Shell.attempt(
                            "ip", "link", "add", probe, "type", "veth", "peer", "name", INNER_LINK, "netns", probe)
                    : made;
            return linked.isDone() ? "" : linked.output();
        } finally {
            Shell.attempt("ip", "netns", "del", probe);
        }
    }

    /** Makes them. */
    static Namespaces make(int members, int places) {
        Namespaces net = new Namespaces(freeSubnet());
        try {
            Shell.run("ip", "link", "add", bridge(), "type", "bridge");
            Shell.run("ip", "addr", "add", net.hostAddress() + "/24", "dev", bridge());
            Shell.run("ip", "link", "set", bridge(), "up");
            for (int i = 0; i < members; i++) {
                net.add(member(i));
            }
            for (int i = 0; i < places; i++) {
                net.add(place(i));
            }
            return net;
        } catch (UncheckedIOException e) {
            net.close();
            throw e;
        }
    }

    static String member(int number) {
        return "m" + number;
    }

    static String place(int number) {
        return "c" + number;
    }

    private static String freeSubnet() {
        String taken = Shell.run("ip", "-o", "-4", "addr");
        for (int i = 0; i < 256; i++) {
            String subnet = "198.18." + (ProcessHandle.current().pid() + i) % 256 + ".";
            if (!taken.contains(subnet)) {
                return subnet;
            }
        }
        throw new UncheckedIOException(new IOException("every network of 198.18.0.0/16 is taken"));
    }

    private static String bridge() {
        return OwnName.of("b");
    }

    private static String name(String node) {
        return OwnName.of(node);
    }

    private void add(String node) {
        nodes.add(node);
        String name = name(node);
        Shell.run("ip", "netns", "add", name);
        Shell.run("ip", "link", "add", name, "type", "veth", "peer", "name", INNER_LINK, "netns", name);
        Shell.run("ip", "link", "set", name, "master", bridge(), "up");
        Shell.run("ip", "-n", name, "addr", "add", address(node) + "/24", "dev", INNER_LINK);
        Shell.run("ip", "-n", name, "link", "set", INNER_LINK, "up");
        Shell.run("ip", "-n", name, "link", "set", "lo", "up");
    }

    /** The address of this machine outside of the namespaces. */
    String hostAddress() {
        return subnet + 1;
    }

    String address(String node) {
        return subnet + (FIRST_HOST + nodes.indexOf(node));
    }

    List<String> prefix(String node) {
        return List.of("ip", "netns", "exec", name(node));
    }

    @Override
    public String describe() {
        return "network namespaces";
    }

    @Override
    public List<String> memberPrefix(int member) {
        return prefix(member(member));
    }

    @Override
    public String clientAddress(int member) {
        return address(member(member)) + ":" + CLIENT_PORT;
    }

    @Override
    public String peerAddress(int member) {
        return address(member(member)) + ":" + PEER_PORT;
    }

    @Override
    public String advertisedPeerAddress(int member) {
        return peerAddress(member);
    }

    /** Takes the link of a node down. A node cut twice is connected again when both are undone. */
    Undo cut(String node) {
        link(node, +1);
        return () -> link(node, -1);
    }

    private synchronized void link(String node, int more) {
        int before = cuts.getOrDefault(node, 0);
        int after = before + more;
        cuts.put(node, after);
        if ((before == 0) != (after == 0)) {
            Shell.run("ip", "link", "set", name(node), after == 0 ? "up" : "down");
        }
    }

    /**
     * Filters what comes to a node and what leaves it.
     *
     * @param input rules of nft for what comes
     * @param output for what leaves
     */
    Undo filter(String node, List<String> input, List<String> output) {
        String table = "chaos" + tables.getAndIncrement();
        Shell.run(
                "ip",
                "netns",
                "exec",
                name(node),
                "nft",
                "table ip " + table + " {" + chain("input", input) + chain("output", output) + " }");
        return () -> Shell.run("ip", "netns", "exec", name(node), "nft", "delete table ip " + table);
    }

    /** Whether a rule with the word {@code counter}, of the filters of a node that are on, has met a packet. */
    boolean hasFiltered(String node) {
        return COUNTED.matcher(Shell.attempt("ip", "netns", "exec", name(node), "nft", "list", "ruleset")
                        .output())
                .find();
    }

    /** Whether the link of a node is down. */
    boolean isCut(String node) {
        return Shell.attempt("ip", "-o", "link", "show", name(node)).output().contains("state DOWN");
    }

    private static String chain(String hook, List<String> rules) {
        StringBuilder chain =
                new StringBuilder(" chain " + hook + " { type filter hook " + hook + " priority 0; policy accept;");
        rules.forEach(rule -> chain.append(' ').append(rule).append(';'));
        return chain.append(" };").toString();
    }

    /** Whether nft can do here what {@link #filter} asks of it; empty if it can. */
    String filterImpossible() {
        if (!Shell.has("nft")) {
            return "no program nft (package nftables)";
        }
        Shell.Result tried = Shell.attempt(
                "ip",
                "netns",
                "exec",
                name(nodes.get(0)),
                "nft",
                "-c",
                "table ip probe {"
                        + chain(
                                "input",
                                List.of("numgen random mod 100 < 20 drop", "tcp dport 1 reject with tcp reset"))
                        + " }");
        return tried.isDone() ? "" : tried.output().lines().findFirst().orElse("nft does not work");
    }

    @Override
    public void close() {
        nodes.forEach(node -> remove(name(node)));
        Shell.attempt("ip", "link", "del", bridge());
    }

    /** Its link goes with it. */
    private static void remove(String namespace) {
        for (String pid :
                Shell.attempt("ip", "netns", "pids", namespace).output().split("\\s+", -1)) {
            if (pid.matches("\\d+")) {
                Shell.signal(Long.parseLong(pid), "KILL");
            }
        }
        Shell.attempt("ip", "netns", "del", namespace);
        Shell.attempt("ip", "link", "del", namespace);
    }

    /** Removes what such processes have left behind; what it removed. */
    static List<String> clean(LongPredicate owners) {
        List<String> removed = new ArrayList<>();
        List<String> namespaces =
                namesOfNamespaces(Shell.attempt("ip", "netns", "list").output());
        for (String name : OwnName.owned(namespaces, owners)) {
            remove(name);
            removed.add("namespace " + name);
        }
        List<String> links = namesOfLinks(Shell.attempt("ip", "-o", "link").output());
        for (String name : OwnName.owned(links, owners)) {
            if (Shell.attempt("ip", "link", "del", name).isDone()) {
                removed.add("link " + name);
            }
        }
        return removed;
    }

    /** Of lines such as {@code hfc1-m0 (id: 3)}. */
    static List<String> namesOfNamespaces(String listed) {
        return listed.lines().map(line -> line.split(" ", 2)[0]).toList();
    }

    /** Of lines such as {@code 7: hfc1-m0@if2: <UP>}. */
    static List<String> namesOfLinks(String listed) {
        return listed.lines()
                .map(line -> line.split("[ @]", 3))
                .filter(fields -> fields.length > 1)
                .map(fields -> fields[1].endsWith(":") ? fields[1].substring(0, fields[1].length() - 1) : fields[1])
                .toList();
    }
}
