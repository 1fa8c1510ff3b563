package dev.holdfast.chaos;

import dev.holdfast.chaos.Gateway.Item;
import dev.holdfast.chaos.Kind.Begun;
import dev.holdfast.chaos.Scene.Victim;
import dev.holdfast.testkit.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Every kind of fault there is. */
final class Kinds {

    private static final String FILLING = "x".repeat(64 * 1024);
    private static final int ATTEMPTS = 5;
    private static final Duration CLOCK_STEP = Duration.ofMillis(50);

    /** At the end of a rule: what it meets is counted and dropped. */
    private static final String DROP = " counter drop";

    private Kinds() {}

    /** In the order in which they are listed for people. */
    static List<Kind> all() {
        return List.of(
                // Links.
                Kind.lasting("partition-member", "a member's link is down", Need.NAMESPACES, Whom.MEMBER, Kinds::cut),
                Kind.lasting("partition-leader", "the leader's link is down", Need.NAMESPACES, Whom.LEADER, Kinds::cut),
                Kind.lasting(
                        "leader-alone",
                        "the leader hears and reaches clients, but no other member",
                        Need.NFT,
                        Whom.LEADER,
                        Kinds::leaderAlone),
                Kind.lasting(
                        "one-way-member",
                        "what a member sends to the others, or what they send to it, is dropped",
                        Need.NFT,
                        Whom.MEMBER,
                        Kinds::oneWayMember),
                Kind.lasting(
                        "loss-member",
                        "a fifth of what comes to a member is dropped",
                        Need.NFT,
                        Whom.MEMBER,
                        Kinds::loss),
                Kind.lasting(
                        "reset",
                        "connections of clients to a member are reset, again and again",
                        Need.NFT,
                        Whom.MEMBER,
                        Kinds::reset),
                Kind.lasting(
                        "partition-client", "a client's link is down", Need.NAMESPACES, Whom.HOLDER, Kinds::cutClient),
                Kind.lasting(
                        "one-way-client",
                        "what comes to a client is dropped, what it sends is not",
                        Need.NFT,
                        Whom.HOLDER,
                        Kinds::deafClient),
                Kind.lasting(
                        "loss-client",
                        "a fifth of what comes to a client is dropped",
                        Need.NFT,
                        Whom.CLIENT,
                        Kinds::lossy),
                Kind.lasting(
                        "stall-member",
                        "nothing passes the proxies before a member, for clients and for members",
                        Need.NO_NAMESPACES,
                        Whom.MEMBER,
                        Kinds::stallMember),
                // Proxies, before each member for some of the clients.
                Kind.lasting(
                        "lost-answers",
                        "requests arrive and answers do not, again and again",
                        Need.NOTHING,
                        Whom.PROXIES,
                        Kinds::lostAnswers),
                Kind.lasting(
                        "delay",
                        "everything comes late, and out of order between connections",
                        Need.NOTHING,
                        Whom.PROXIES,
                        Kinds::delay),
                Kind.lasting(
                        "cut-connections",
                        "every connection of clients breaks, again and again",
                        Need.NOTHING,
                        Whom.PROXIES,
                        Kinds::cutConnections),
                // Processes.
                Kind.lasting(
                        "stop-member", "a member is stopped (SIGSTOP)", Need.NOTHING, Whom.MEMBER, Kinds::stopMember),
                Kind.lasting(
                        "stop-leader", "the leader is stopped (SIGSTOP)", Need.NOTHING, Whom.LEADER, Kinds::stopMember),
                Kind.lasting("kill-member", "kill -9 of a member", Need.NOTHING, Whom.MEMBER, Kinds::killMember),
                Kind.lasting("kill-leader", "kill -9 of the leader", Need.NOTHING, Whom.LEADER, Kinds::killMember),
                Kind.lasting(
                        "freeze-member", "a member is frozen (cgroup)", Need.FREEZER, Whom.MEMBER, Kinds::freezeMember),
                Kind.lasting(
                        "starve-member",
                        "a member gets a few hundredths of a processor (cgroup)",
                        Need.QUOTA,
                        Whom.MEMBER,
                        Kinds::starveMember),
                Kind.lasting(
                        "stop-client", "a client is stopped (SIGSTOP)", Need.NOTHING, Whom.HOLDER, Kinds::stopClient),
                Kind.atOnce("kill-client", "kill -9 of a client", Need.NOTHING, Whom.HOLDER, Kinds::killClient),
                Kind.lasting(
                        "starve-client",
                        "a client gets a few hundredths of a processor (cgroup)",
                        Need.QUOTA,
                        Whom.HOLDER,
                        Kinds::starveClient),
                // Disks.
                Kind.lasting(
                        "disk-stall",
                        "the leader's disk stands still (strace)",
                        Need.STRACE,
                        Whom.LEADER,
                        Kinds::diskStall),
                Kind.lasting("disk-full", "a member's disk is full", Need.SMALL_DISK, Whom.SMALL_DISK, Kinds::diskFull),
                // What an operator may do to a cluster.
                Kind.atOnce(
                        "leader-change",
                        "leadership is handed to another member",
                        Need.NOTHING,
                        Whom.LEADER,
                        Kinds::moveLeader),
                Kind.atOnce(
                        "compact",
                        "history is compacted, then a member is defragmented",
                        Need.NOTHING,
                        Whom.MEMBER,
                        Kinds::compact),
                // Clocks.
                Kind.lasting(
                        "clock-step",
                        "the wall clock of a Java client jumps",
                        Need.FAKETIME,
                        Whom.CLOCK,
                        Kinds::stepClock),
                Kind.lasting(
                        "clock-rate",
                        "the wall clock of a Java client runs at half, twice or five times its speed",
                        Need.FAKETIME,
                        Whom.CLOCK,
                        Kinds::driftClock),
                // What breaks the rules: others end what a client holds.
                Kind.atOnce(
                        "lease-revoked",
                        "somebody else revokes the lease of a holder",
                        Need.NOTHING,
                        Whom.CLUSTER,
                        Kinds::revokeLease),
                Kind.atOnce(
                        "entry-deleted",
                        "somebody else deletes the entry of a holder",
                        Need.NOTHING,
                        Whom.CLUSTER,
                        Kinds::deleteEntry));
    }

    private static Begun cut(Scene scene, String target, SplittableRandom luck, Duration length) {
        return new Begun(scene.namespaces().cut(target), "")
                .seenBy(() -> scene.namespaces().isCut(target));
    }

    private static String otherMembers(Scene scene, String target) {
        return scene.cluster().members().stream()
                .map(Member::name)
                .filter(name -> !name.equals(target))
                .map(scene.namespaces()::address)
                .collect(Collectors.joining(", ", "{ ", " }"));
    }

    private static Begun leaderAlone(Scene scene, String target, SplittableRandom luck, Duration length) {
        String others = otherMembers(scene, target);
        return filtered(scene, target, List.of("ip saddr " + others + DROP), List.of("ip daddr " + others + DROP), "");
    }

    private static Begun filtered(Scene scene, String node, List<String> input, List<String> output, String detail) {
        return new Begun(scene.namespaces().filter(node, input, output), detail)
                .seenBy(() -> scene.namespaces().hasFiltered(node));
    }

    private static Begun oneWayMember(Scene scene, String target, SplittableRandom luck, Duration length) {
        String others = otherMembers(scene, target);
        return luck.nextBoolean()
                ? filtered(scene, target, List.of("ip saddr " + others + DROP), List.of(), "hears no other member")
                : filtered(scene, target, List.of(), List.of("ip daddr " + others + DROP), "reaches no other member");
    }

    private static final List<String> LOSS = List.of("numgen random mod 100 < 20" + DROP);

    private static Begun loss(Scene scene, String target, SplittableRandom luck, Duration length) {
        return filtered(scene, target, LOSS, List.of(), "");
    }

    private static Begun reset(Scene scene, String target, SplittableRandom luck, Duration length) {
        List<String> rule = List.of("tcp dport 2379 reject with tcp reset");
        AtomicInteger bursts = new AtomicInteger();
        Undo[] last = {Undo.NOTHING};
        // On at every third step, so that what is connected anew is used for a while.
        Undo steps = scene.repeat(Duration.ofMillis(300), () -> {
            try {
                last[0].undo();
                last[0] = bursts.getAndIncrement() % 3 == 0
                        ? scene.namespaces().filter(target, rule, List.of())
                        : Undo.NOTHING;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        return new Begun(
                () -> {
                    steps.undo();
                    last[0].undo();
                },
                "");
    }

    private static String link(Scene scene, String client) throws IOException {
        String link = scene.places()
                .home(client)
                .map(Neighbourhood.Home::link)
                .orElseThrow(() -> new IOException(client + " has no link"));
        return link;
    }

    private static String sharing(Scene scene, String client, String link) {
        return scene.clients().stream()
                .map(Victim::name)
                .filter(name -> !name.equals(client))
                .filter(name -> scene.places()
                        .home(name)
                        .filter(home -> link.equals(home.link()))
                        .isPresent())
                .collect(Collectors.joining(", "));
    }

    private static Begun onLink(Scene scene, String client, List<String> input) throws IOException {
        String link = link(scene, client);
        String others = sharing(scene, client, link);
        String detail = others.isEmpty() ? "" : "and " + others;
        return input.isEmpty()
                ? new Begun(scene.namespaces().cut(link), detail)
                        .seenBy(() -> scene.namespaces().isCut(link))
                : filtered(scene, link, input, List.of(), detail);
    }

    private static Begun cutClient(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return onLink(scene, target, List.of());
    }

    private static Begun deafClient(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return onLink(scene, target, List.of("ip protocol tcp" + DROP));
    }

    private static Begun lossy(Scene scene, String target, SplittableRandom luck, Duration length) throws IOException {
        return onLink(scene, target, LOSS);
    }

    private static Begun stallMember(Scene scene, String target, SplittableRandom luck, Duration length) {
        int number = scene.member(target).number();
        List<TcpProxy> proxies =
                List.of(scene.places().proxies().get(number), ((Loopback) scene.net()).peerProxy(number));
        proxies.forEach(proxy -> proxy.stall(true));
        return new Begun(() -> proxies.forEach(proxy -> proxy.stall(false)), "");
    }

    private static Begun lostAnswers(Scene scene, String target, SplittableRandom luck, Duration length) {
        List<TcpProxy> proxies = scene.places().proxies();
        int before = lost(proxies);
        // Short enough that not every request runs into its time limit, long enough that some do.
        Duration each = Duration.ofMillis(luck.nextLong(150, 1_200));
        boolean[] isOn = {false};
        Undo steps = scene.repeat(each, () -> {
            isOn[0] = !isOn[0];
            proxies.forEach(proxy -> proxy.loseAnswers(isOn[0]));
        });
        return new Begun(
                        () -> {
                            steps.undo();
                            proxies.forEach(proxy -> proxy.loseAnswers(false));
                        },
                        () -> lost(proxies) - before + " pieces lost, on and off for " + each.toMillis() + " ms each")
                .seenBy(() -> lost(proxies) > before);
    }

    private static int lost(List<TcpProxy> proxies) {
        return proxies.stream().mapToInt(TcpProxy::lostAnswers).sum();
    }

    private static Begun delay(Scene scene, String target, SplittableRandom luck, Duration length) {
        long mostMillis = luck.nextLong(30, 900);
        List<TcpProxy> proxies = scene.places().proxies();
        proxies.forEach(proxy -> proxy.delay(Duration.ZERO, Duration.ofMillis(mostMillis), luck.nextLong()));
        return new Begun(() -> proxies.forEach(proxy -> proxy.delay(Duration.ZERO)), "up to " + mostMillis + " ms");
    }

    private static Begun cutConnections(Scene scene, String target, SplittableRandom luck, Duration length) {
        Duration pause = Duration.ofMillis(luck.nextLong(100, 1_500));
        return new Begun(
                scene.repeat(pause, () -> scene.places().proxies().forEach(TcpProxy::cut)),
                "every " + pause.toMillis() + " ms");
    }

    private static Begun stopMember(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return stop(scene.member(target).pid());
    }

    private static Begun stop(long pid) throws IOException {
        if (!Shell.signal(pid, "STOP")) {
            throw new IOException("no process " + pid);
        }
        return new Begun(() -> Shell.signal(pid, "CONT"), "").seenBy(() -> isStopped(pid));
    }

    private static boolean isStopped(long pid) {
        try {
            // Behind the name of the program, which may contain anything.
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return stat.substring(stat.lastIndexOf(')') + 1).strip().startsWith("T");
        } catch (IOException e) {
            return false;
        }
    }

    private static Begun killMember(Scene scene, String target, SplittableRandom luck, Duration length)
            throws InterruptedException {
        Member member = scene.member(target);
        return new Begun(member.kill(), "").seenBy(() -> !member.isAlive());
    }

    private static Begun freezeMember(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return new Begun(Cgroup.freeze(scene.member(target).pid()), "");
    }

    private static Begun starveMember(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return starve(scene.member(target).pid(), luck);
    }

    private static Begun starve(long pid, SplittableRandom luck) throws IOException {
        int percent = luck.nextInt(2, 11);
        return new Begun(Cgroup.starve(pid, percent), percent + " % of a processor");
    }

    private static Victim alive(Scene scene, String client) throws IOException {
        return scene.client(client).orElseThrow(() -> new IOException(client + " has ended"));
    }

    private static Begun stopClient(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return stop(alive(scene, target).pid());
    }

    private static Begun killClient(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        Victim victim = alive(scene, target);
        victim.kill().run();
        return new Begun(Undo.NOTHING, "")
                .seenBy(() -> ProcessHandle.of(victim.pid()).isEmpty());
    }

    private static Begun starveClient(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return starve(alive(scene, target).pid(), luck);
    }

    private static Begun diskStall(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException, InterruptedException {
        DiskStall stall = DiskStall.begin(scene.member(target), length);
        return new Begun(stall::end, () -> stall.syncs() + " syncs met, the first of them stalled")
                .seenBy(() -> stall.syncs() > 0);
    }

    private static Begun diskFull(Scene scene, String target, SplittableRandom luck, Duration length) {
        Path disk = scene.cluster().smallDisk().orElseThrow();
        Member member = scene.member(target);
        Undo full = DiskFull.begin(disk, member);
        Undo filling = scene.repeat(Duration.ofMillis(200), () -> {
            for (Member other : scene.membersToAsk()) {
                try {
                    other.gateway().put(DiskFull.FILLER_KEY, FILLING);
                    return;
                } catch (IOException e) {
                    // Another one may take it.
                }
            }
        });
        boolean[] hasDied = {false};
        return new Begun(
                () -> {
                    try {
                        filling.undo();
                        hasDied[0] = !member.isAlive();
                    } finally {
                        full.undo();
                    }
                },
                () -> hasDied[0] ? "it died of it" : "");
    }

    private static Begun moveLeader(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        List<Member> others = scene.cluster().members().stream()
                .filter(member -> !member.name().equals(target))
                .toList();
        Member next = others.get(luck.nextInt(others.size()));
        String id = next.gateway().status().member();
        return again(() -> {
            scene.member(target).gateway().moveLeader(id);
            return new Begun(Undo.NOTHING, "to " + next);
        });
    }

    /** What may come too late, or too early, is tried anew a few times. */
    private static Begun again(Callable<Begun> attempt) throws IOException {
        Exception last = new IOException("not tried");
        for (int i = 0; i < ATTEMPTS; i++) {
            try {
                return attempt.call();
            } catch (Exception e) {
                last = e;
            }
        }
        throw new IOException(last.getMessage(), last);
    }

    private static Begun compact(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        Gateway gateway = scene.member(target).gateway();
        long revision = scene.recordedRevision();
        gateway.compact(revision);
        gateway.defragment();
        return new Begun(Undo.NOTHING, "to revision " + revision);
    }

    private static Path clock(Scene scene, String client) throws IOException {
        return scene.places()
                .home(client)
                .map(Neighbourhood.Home::clock)
                .orElseThrow(() -> new IOException("the clock of " + client + " cannot be set"));
    }

    private static Begun stepClock(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        Path clock = clock(scene, target);
        List<Long> steps = List.of(-3_600_000L, -30_000L, -2_000L, 1_000L, 3_000L, 60_000L, 3_600_000L);
        long millis = steps.get(luck.nextInt(steps.size()));
        Neighbourhood.setClock(clock, millis);
        return new Begun(() -> Neighbourhood.setClock(clock, 0), "by " + millis + " ms, and back")
                .seenBy(Kinds::notYet);
    }

    /** Whether its client saw it is known when its notes are read. */
    private static boolean notYet() {
        return false;
    }

    /* libfaketime's own rates count from the start of the process, so they cannot begin later, and let timed waits hang. */
    private static Begun driftClock(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        Path clock = clock(scene, target);
        double rate = List.of(0.5, 2.0, 5.0).get(luck.nextInt(3));
        long startNanos = System.nanoTime();
        Undo steps = scene.repeat(CLOCK_STEP, () -> {
            long pastMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
            Neighbourhood.setClock(clock, Math.round(pastMillis * (rate - 1)));
        });
        return new Begun(
                        () -> {
                            steps.undo();
                            Neighbourhood.setClock(clock, 0);
                        },
                        "x" + rate + ", and back")
                .seenBy(Kinds::notYet);
    }

    private static Item held(Scene scene, SplittableRandom luck) throws IOException {
        List<String> prefixes = scene.prefixes();
        int first = luck.nextInt(prefixes.size());
        for (int i = 0; i < prefixes.size(); i++) {
            Optional<Item> oldest = Whom.oldestEntry(scene, prefixes.get((first + i) % prefixes.size()));
            if (oldest.isPresent()) {
                return oldest.get();
            }
        }
        throw new IOException("nobody holds anything");
    }

    private static Begun revokeLease(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return again(() -> {
            Item item = held(scene, luck);
            scene.membersToAsk().get(0).gateway().revoke(item.lease());
            return new Begun(Undo.NOTHING, "lease=" + item.lease());
        });
    }

    private static Begun deleteEntry(Scene scene, String target, SplittableRandom luck, Duration length)
            throws IOException {
        return again(() -> {
            Item item = held(scene, luck);
            if (!scene.membersToAsk().get(0).gateway().delete(item)) {
                throw new IOException(item.key() + " was gone before");
            }
            return new Begun(Undo.NOTHING, "key=" + item.key() + " create=" + item.createRevision());
        });
    }
}
