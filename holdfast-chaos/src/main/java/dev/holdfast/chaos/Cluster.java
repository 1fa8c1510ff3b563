package dev.holdfast.chaos;

import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Real etcd in {@value #SIZE} members, each a process that can be killed and started again. Closing it ends them and deletes
 * their data; their logs stay. Thread-safe.
 */
final class Cluster implements AutoCloseable {

    static final int SIZE = 3;

    /** The member whose disk can be filled: its data is on a file system of its own, in memory. */
    static final int SMALL_DISK = SIZE - 1;

    // A segment of the log is 64 MB, and the next one is made ahead.
    private static final String SMALL_DISK_SIZE = "320m";
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final long POLL_NANOS = 100_000_000;

    private final RealEtcd.Binary binary;
    private final List<Member> members;
    private final Path data;
    private final @Nullable Path mounted;
    private final String smallDiskAbsence;

    private Cluster(
            RealEtcd.Binary binary, List<Member> members, Path data, @Nullable Path mounted, String smallDiskAbsence) {
        this.binary = binary;
        this.members = List.copyOf(members);
        this.data = data;
        this.mounted = mounted;
        this.smallDiskAbsence = smallDiskAbsence;
    }

    /**
     * An empty cluster that is not started yet.
     *
     * @param directory for data and logs; it exists
     */
    static Cluster of(RealEtcd.Binary binary, Net net, Path directory) throws IOException {
        Path data = Files.createDirectory(directory.resolve("data"));
        Path small = Files.createDirectory(data.resolve("small-disk"));
        Shell.Result mount = Shell.attempt(
                "mount", "-t", "tmpfs", "-o", "size=" + SMALL_DISK_SIZE, OwnName.of("disk"), small.toString());
        StringBuilder initial = new StringBuilder();
        for (int i = 0; i < SIZE; i++) {
            initial.append(i == 0 ? "" : ",")
                    .append(Namespaces.member(i))
                    .append("=http://")
                    .append(net.advertisedPeerAddress(i));
        }
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < SIZE; i++) {
            Path own = i == SMALL_DISK && mount.isDone() ? small.resolve("m") : data.resolve(Namespaces.member(i));
            members.add(member(binary, net, i, own, directory, initial.toString()));
        }
        return new Cluster(
                binary,
                members,
                data,
                mount.isDone() ? small : null,
                mount.isDone() ? "" : "no tmpfs: " + mount.output());
    }

    /** Starts every member, and returns once each answers that it is healthy. */
    void start() throws IOException {
        for (Member member : members) {
            member.start();
        }
        awaitHealthy(START_LIMIT);
    }

    private static Member member(
            RealEtcd.Binary binary, Net net, int number, Path data, Path directory, String initial) {
        String client = "http://" + net.clientAddress(number);
        List<String> command = new ArrayList<>(net.memberPrefix(number));
        command.addAll(List.of(
                binary.etcd().toString(),
                "--name=" + Namespaces.member(number),
                "--data-dir=" + data,
                "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client,
                "--listen-peer-urls=http://" + net.peerAddress(number),
                "--initial-advertise-peer-urls=http://" + net.advertisedPeerAddress(number),
                "--initial-cluster=" + initial,
                // So that a member that was away for some seconds is sent a snapshot now and then.
                "--snapshot-count=2000",
                "--log-level=warn"));
        Path log = directory.resolve("etcd-" + Namespaces.member(number) + ".log");
        return new Member(number, command, data, log, net.clientAddress(number));
    }

    /**
     * Returns once every member answers that it has a leader.
     *
     * @throws IOException if that takes longer, with the end of a log
     */
    void awaitHealthy(Duration limit) throws IOException {
        long deadlineNanos = System.nanoTime() + limit.toNanos();
        for (Member member : members) {
            while (!member.gateway().isHealthy()) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new IOException(binary + ": interrupted before " + member + " was healthy");
                }
                if (System.nanoTime() - deadlineNanos >= 0) {
                    throw new IOException(binary + ": " + member + " is not healthy after " + limit.toSeconds() + " s: "
                            + endOf(member.log()));
                }
                member.restartIfDead();
                LockSupport.parkNanos(POLL_NANOS);
            }
        }
    }

    private static String endOf(Path log) throws IOException {
        String text = Files.exists(log) ? Files.readString(log) : "";
        return text.substring(Math.max(0, text.length() - 2_000));
    }

    RealEtcd.Binary binary() {
        return binary;
    }

    List<Member> members() {
        return members;
    }

    /** {@code host:port} of each, as this machine reaches it. */
    List<String> addresses() {
        return members.stream().map(Member::address).toList();
    }

    /** Why the disk of {@link #SMALL_DISK} cannot be filled; empty if it can. */
    String smallDiskAbsence() {
        return smallDiskAbsence;
    }

    /** Its file system. */
    Optional<Path> smallDisk() {
        return Optional.ofNullable(mounted);
    }

    /** The leader, as the first member knows it that knows one. */
    Optional<Member> leader() {
        for (Member asked : members) {
            try {
                String leader = asked.gateway().status().leader();
                for (Member member : members) {
                    if (!leader.equals("0")
                            && member.gateway().status().member().equals(leader)) {
                        return Optional.of(member);
                    }
                }
            } catch (IOException e) {
                // Dead, stopped or cut off: another one may know.
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() {
        members.forEach(Member::close);
        if (mounted != null) {
            Shell.attempt("umount", "--lazy", mounted.toString());
        }
        deleteAll(data);
    }

    private static void deleteAll(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException | java.io.UncheckedIOException e) {
            // Left over in a folder that its user names; nothing depends on it.
        }
    }
}
