package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.Ticket;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.inspect.ForceResult;
import dev.holdfast.inspect.Inspection;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** One lock for clients in Java and in Go and for etcdctl: over the engine's server and every real etcd. */
@ParameterizedClass(name = "{0}")
@MethodSource("servers")
class InteroperationTest extends StoreFixture {

    /**
     * Where clients of all kinds meet.
     *
     * @param program the real etcd; null for the engine
     * @param etcdctl the newest one here, or the one that came with the program; null if there is none
     */
    record Server(RealEtcd.@Nullable Binary program, @Nullable Path etcdctl, String absence) {
        @Override
        public String toString() {
            return !absence.isEmpty() ? "no etcd" : program == null ? "engine" : program.toString();
        }
    }

    @Parameter
    @Nullable
    Server server;

    private String endpoint = "";

    static List<Server> servers() {
        List<Server> servers = new ArrayList<>();
        Path newest = null;
        for (EtcdProgram program : EtcdProgram.all()) {
            RealEtcd.Binary binary = program.binary();
            newest = binary != null && binary.etcdctl() != null ? binary.etcdctl() : newest;
            servers.add(new Server(binary, binary == null ? null : binary.etcdctl(), program.absence()));
        }
        servers.add(0, new Server(null, newest, ""));
        return servers;
    }

    @BeforeParameterizedClassInvocation
    void needTheOthers() {
        Server here = Objects.requireNonNull(server);
        String why = here.absence();
        if (Boolean.getBoolean("holdfast.quick")) {
            why = "holdfast.quick is set: no other clients";
        } else if (why.isEmpty() && Program.goClients() == null) {
            why = "no Go clients: run build/go-programs";
        } else if (why.isEmpty() && here.etcdctl() == null) {
            why = "no etcdctl: run build/etcd-binaries";
        }
        if (!why.isEmpty()) {
            EtcdProgram.report("skipped: interoperation " + here + ": " + why);
            Assumptions.abort(why);
        }
        EtcdProgram.report("ran: interoperation " + here);
    }

    @AfterParameterizedClassInvocation
    void stopIt() {
        closeTheStore();
    }

    @Override
    protected LockStore openStore() throws IOException, InterruptedException {
        RealEtcd.Binary program = Objects.requireNonNull(server).program();
        ServedStore store = program == null ? Stores.engineOverGrpc() : Stores.real(program);
        endpoint = URI.create(store.endpoint()).getAuthority();
        return store;
    }

    // ---------------------------------------------------------------------------------------------------- the others

    private Program go(String kind, String name, Object... more) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(Objects.requireNonNull(Program.goClients()).toString(), kind, endpoint, name));
        for (Object each : more) {
            command.add(each.toString());
        }
        Program program = Program.start(command.toArray(String[]::new));
        assertThat(program.line()).startsWith("session ");
        return program;
    }

    private Program etcdctlLock(String name) throws IOException {
        Path etcdctl = Objects.requireNonNull(Objects.requireNonNull(server).etcdctl());
        return Program.start(etcdctl.toString(), "--endpoints=" + endpoint, "lock", name);
    }

    private static void quit(Program go) throws Exception {
        go.say("quit");
        go.awaitEnd();
    }

    // ---------------------------------------------------------------------------------------------------- exclusion

    @Test
    void aJavaHolder_excludesEtcdctlAndGo() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name).acquire();
        try (Program etcdctl = etcdctlLock(name);
                Program go = go("mutex", name, 10)) {
            awaitQueueLength(name, 2);
            go.say("trylock");
            assertThat(go.line()).isEqualTo("busy");
            go.say("lock");
            awaitQueueLength(name, 3);
            assertThat(etcdctl.isSilent()).isTrue();
            hold.close();
            assertThat(etcdctl.line()).startsWith(name + "/");
            assertThat(go.isSilent()).isTrue();
            etcdctl.stop();
            assertThat(go.line()).startsWith("locked " + name + "/");
            quit(go);
        }
    }

    @Test
    void aLockThatIsKept_goesToEtcdctlAndGo() throws Exception {
        String name = freshName();
        becomeKept(client(), name);
        try (Program etcdctl = etcdctlLock(name)) {
            assertThat(etcdctl.line()).startsWith(name + "/");
            etcdctl.stop();
        }
        String another = freshName();
        becomeKept(client(), another);
        try (Program go = go("mutex", another, 10)) {
            go.say("lock");
            assertThat(go.line()).startsWith("locked ");
            quit(go);
        }
    }

    @Test
    void etcdctl_excludesJava() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        try (Program etcdctl = etcdctlLock(name)) {
            assertThat(etcdctl.line()).startsWith(name + "/");
            assertThat(lock.tryLock()).isFalse();
            Ticket waiting = lock.enqueue();
            awaitQueueLength(name, 2);
            assertThat(waiting.await(Duration.ofMillis(50))).isEmpty();
            etcdctl.stop();
            waiting.await(Eventually.PATIENCE).orElseThrow().close();
        }
    }

    @Test
    void aGoMutex_excludesJava_andReusesItsKey() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        try (Program go = go("mutex", name, 10)) {
            for (int i = 0; i < 5; i++) {
                go.say("lock");
                assertThat(go.line()).startsWith("locked ");
                assertThat(lock.tryLock()).isFalse();
                Ticket waiting = lock.enqueue();
                awaitQueueLength(name, 2);
                assertThat(waiting.await(Duration.ofMillis(5))).isEmpty();
                go.say("unlock");
                Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow();
                assertThat(go.line()).isEqualTo("unlocked");
                hold.close();
                awaitQueueLength(name, 0);
            }
            quit(go);
        }
    }

    @Test
    void aGoElection_isALockOfItsName() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        try (Program first = go("election", name, "first");
                Program second = go("election", name, "second")) {
            first.say("campaign");
            assertThat(first.line()).startsWith("leader " + name + "/");
            second.say("campaign");
            awaitQueueLength(name, 2);
            Ticket waiting = lock.enqueue();
            awaitQueueLength(name, 3);
            first.say("proclaim again");
            assertThat(first.line()).isEqualTo("proclaimed");
            first.say("resign");
            assertThat(first.line()).isEqualTo("resigned");
            assertThat(second.line()).startsWith("leader " + name + "/");
            assertThat(waiting.await(Duration.ofMillis(50))).isEmpty();
            first.say("campaign");
            awaitQueueLength(name, 3);
            second.say("resign");
            Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow();
            assertThat(first.isSilent()).isTrue();
            hold.close();
            assertThat(first.line()).startsWith("leader " + name + "/");
            quit(first);
            quit(second);
        }
    }

    // ---------------------------------------------------------------------------------------------------- order

    @Test
    void grantsFollowTheCreateRevisions_acrossJavaGoAndEtcdctl() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        DistributedLock here = client().lock(name);
        DistributedLock there = client().lock(name);
        Ticket second = here.enqueue();
        awaitQueueLength(name, 2);
        try (Program third = go("fifo", name, "third");
                Program fourth = waiting(etcdctlLock(name), name, 4)) {
            assertThat(third.line()).startsWith("waiting ");
            Ticket fifth = there.enqueue();
            awaitQueueLength(name, 5);
            try (Program sixth = go("fifo", name, "sixth")) {
                String place = sixth.line();
                var queue = operator().queue(name);
                assertThat(queue)
                        .hasSize(6)
                        .isSortedAccordingTo(Comparator.comparingLong(kv -> kv.getCreateRevision()));
                assertThat(place).isEqualTo("waiting " + queue.get(5).getCreateRevision());

                first.close();
                Hold hold = second.await(Eventually.PATIENCE).orElseThrow();
                assertThat(hold.key()).isEqualTo(queue.get(1).getKey().toStringUtf8());
                assertThat(third.isSilent()).isTrue();
                hold.close();
                assertThat(third.line()).isEqualTo("locked");
                assertThat(fourth.isSilent()).isTrue();
                third.say("unlock");
                assertThat(fourth.line()).isEqualTo(queue.get(3).getKey().toStringUtf8());
                assertThat(fifth.grant().isDone()).isFalse();
                fourth.stop();
                Hold next = fifth.await(Eventually.PATIENCE).orElseThrow();
                assertThat(next.key()).isEqualTo(queue.get(4).getKey().toStringUtf8());
                assertThat(sixth.isSilent()).isTrue();
                next.close();
                assertThat(sixth.line()).isEqualTo("locked");
                quit(sixth);
            }
            quit(third);
        }
    }

    private Program waiting(Program etcdctl, String name, int length) {
        awaitQueueLength(name, length);
        return etcdctl;
    }

    @Test
    void revisions_strictlyIncreaseFromHolderToHolder_acrossJavaAndGo() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name, LockOptions.defaults().strictFifo());
        try (Program go = go("mutex", name, 10)) {
            long before = 0;
            Hold hold = lock.acquire();
            for (int i = 0; i < 10; i++) {
                assertThat(hold.token().revision()).as("Java's, round " + i).isGreaterThan(before);
                before = hold.token().revision();
                go.say("lock");
                awaitQueueLength(name, 2);
                Ticket next = lock.enqueue();
                awaitQueueLength(name, 3);
                hold.close();
                String[] locked = go.line().split(" ", -1);
                assertThat(locked[0]).isEqualTo("locked");
                assertThat(Long.parseLong(locked[2])).as("Go's, round " + i).isGreaterThan(before);
                before = Long.parseLong(locked[2]);
                go.say("unlock");
                hold = next.await(Eventually.PATIENCE).orElseThrow();
                assertThat(go.line()).isEqualTo("unlocked");
            }
            hold.close();
            quit(go);
        }
    }

    // ---------------------------------------------------------------------------------------------------- inspection

    @Test
    void holdersOfEveryKind_areShown_andCanBeReleasedByForce() throws Exception {
        String name = freshName();
        Inspection inspection = client().inspect();
        try (Program go = go("mutex", name, 10)) {
            go.say("lock");
            String[] locked = go.line().split(" ", -1);
            try (Program etcdctl = waiting(etcdctlLock(name), name, 2)) {
                Ticket waiting = client().lock(name).enqueue();
                awaitQueueLength(name, 3);
                LockState lock = inspection.locks(name).locks().get(0);
                QueueEntry holder = lock.holder().orElseThrow();
                assertThat(holder.key()).isEqualTo(locked[1]);
                assertThat(holder.info()).isEmpty();
                assertThat(lock.foreign()).isEmpty();
                assertThat(Long.parseLong(locked[2])).isGreaterThanOrEqualTo(lock.tokenAtLeast());
                assertThat(lock.waiters()).hasSize(2);
                assertThat(lock.waiters().get(1).info()).isPresent();

                assertThat(inspection.forceRelease(name, holder, "ops", "Go does not learn of it"))
                        .isInstanceOf(ForceResult.Released.class);

                assertThat(etcdctl.line()).isEqualTo(lock.waiters().get(0).key());
                QueueEntry ofEtcdctl = inspection.lock(name).holder().orElseThrow();
                assertThat(inspection.forceRelease(name, ofEtcdctl, "ops", "nor does etcdctl"))
                        .isInstanceOf(ForceResult.Released.class);
                waiting.await(Eventually.PATIENCE).orElseThrow().close();
            }
            quit(go);
        }
        for (KeyValue record : operator().keys("_holdfast/forced/")) {
            operator().revoke(record.getLease());
        }
    }

    // ---------------------------------------------------------------------------------------------------- crashes

    @Test
    void aKilledGoHolder_isFollowedByTheJavaWaiter_afterItsTtl() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        try (Program go = go("mutex", name, 2)) {
            go.say("lock");
            String[] locked = go.line().split(" ", -1);
            Ticket waiting = lock.enqueue();
            awaitQueueLength(name, 2);
            go.kill();
            try (Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow()) {
                assertThat(hold.token().grantRevision()).isGreaterThan(Long.parseLong(locked[2]));
            }
        }
    }

    @Test
    void aKilledJavaHolder_isFollowedWithinItsTtl() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        try (Program holder = Program.java(HolderProcess.class, endpoint, name)) {
            long token = tokenOf(holder);
            Ticket waiting = lock.enqueue();
            awaitQueueLength(name, 2);
            holder.kill();
            long killed = System.nanoTime();
            try (Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow()) {
                // TTL 2 s; a server looks for ended leases twice a second, and this machine is busy.
                assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(Duration.ofSeconds(4));
                assertThat(hold.token().asLong()).isGreaterThan(token);
            }
        }
    }

    @Test
    @Tag("F01")
    void aHolderStoppedBeyondItsTtl_neverSaysHeldAgain_andTellsOfItsLoss() throws Exception {
        String name = freshName();
        DistributedLock lock = client().lock(name);
        try (Program holder = Program.java(HolderProcess.class, endpoint, name)) {
            long token = tokenOf(holder);
            Ticket waiting = lock.enqueue();
            awaitQueueLength(name, 2);
            holder.signal("STOP");
            Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow();
            assertThat(hold.token().asLong()).isGreaterThan(token);
            long continued = System.nanoTime();
            holder.signal("CONT");
            List<String> said = new ArrayList<>();
            for (String line = holder.line(); !line.startsWith("lost "); line = holder.line()) {
                said.add(line);
            }
            for (int i = 0; i < 20; i++) {
                said.add(holder.line());
            }
            // Both processes read the same monotonic clock; what was asked before the stop may be said after it.
            for (String line : said) {
                String[] words = line.split(" ", -1);
                if (words[0].equals("asked") && Long.parseLong(words[1]) - continued >= 0) {
                    assertThat(words[2]).isEqualTo("LOST");
                }
            }
            assertThat(said).anySatisfy(line -> assertThat(line).endsWith(" LOST"));
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
            hold.close();
        }
    }

    private static long tokenOf(Program holder) throws InterruptedException {
        String[] words = holder.line().split(" ", -1);
        assertThat(words[0]).as(String.join(" ", words)).isEqualTo("holds");
        return Long.parseLong(words[1]);
    }
}
