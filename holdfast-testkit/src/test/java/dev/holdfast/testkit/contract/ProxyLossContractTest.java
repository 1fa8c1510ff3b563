package dev.holdfast.testkit.contract;

import com.google.protobuf.ByteString;
import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import dev.holdfast.LossReason;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
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

    /* The proxy lets new watches share old ones, and some releases let them join one that is over: they hear nothing. */
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
}
