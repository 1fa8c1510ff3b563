package dev.holdfast.testkit.contract;

import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Tricks of networks, servers and strangers over every real etcd that is here. */
@ParameterizedClass(name = "{0}")
@MethodSource("programs")
class RealEtcdMischiefContractTest extends MischiefContract {

    @Parameter
    @Nullable
    EtcdProgram program;

    private RealEtcd.@Nullable Binary here;

    static List<EtcdProgram> programs() {
        return EtcdProgram.all();
    }

    @BeforeParameterizedClassInvocation
    void needAProgram() {
        here = Objects.requireNonNull(program).orSkip("contract");
    }

    @AfterParameterizedClassInvocation
    void stopIt() {
        closeTheStore();
    }

    @Override
    protected LockStore openStore() throws IOException, InterruptedException {
        return Stores.real(Objects.requireNonNull(here));
    }
}
