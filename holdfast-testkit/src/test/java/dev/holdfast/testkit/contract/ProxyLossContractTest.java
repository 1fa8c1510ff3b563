package dev.holdfast.testkit.contract;

import com.google.protobuf.ByteString;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses and closing through etcd's own proxy. */
@ParameterizedClass(name = "{0}")
@MethodSource("programs")
class ProxyLossContractTest extends LossContract {

    @Parameter
    @Nullable
    EtcdProgram program;

    private RealEtcd.@Nullable Binary here;

    static List<EtcdProgram> programs() {
        return EtcdProgram.oldestAndNewest();
    }

    @BeforeParameterizedClassInvocation
    void needAProgram() {
        here = Objects.requireNonNull(program).orSkip("grpc-proxy");
    }

    @AfterParameterizedClassInvocation
    void stopIt() {
        closeTheStore();
    }

    @Override
    protected LockStore openStore() throws IOException, InterruptedException {
        return Stores.behindProxy(Objects.requireNonNull(here));
    }

    /* The proxy lets new watches share old ones, and some releases let them join one that is over: they hear nothing.
     * So a holder may learn of force only when it releases. */
    @Override
    @Test
    void forcedRelease_ofALockThatNobodyElseWants_isHeardOfAtOnce() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name, LockOptions.defaults().withSynchronousRelease())
                .acquire();
        ByteString record = operator().release(name, 0, "eve@ops", "stuck");
        assertLost(LossReason.FORCED, hold::close);
        operator().delete(record);
    }

    @Override
    @Test
    @Tag("F35")
    void forcedRelease_ofALockThatOthersWant_goesToThem_andTheHolderLearnsWhy() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name, LockOptions.defaults().withSynchronousRelease())
                .acquire();
        Ticket there = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        ByteString record = operator().release(name, 0, "eve@ops", "stuck");
        Hold next = there.await(Eventually.PATIENCE).orElseThrow();
        assertLost(LossReason.FORCED, hold::close);
        next.close();
        operator().delete(record);
    }
}
