package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.holdfast.chaos.Registers.Kind;
import dev.holdfast.history.Token;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RegistersTest {

    private static final Token OLD = new Token(0, 5, 1);
    private static final Token NEW = new Token(0, 6, 0);

    private Registers registers;
    private RegisterClient client;

    @BeforeEach
    void serve() throws IOException {
        registers = Registers.serve();
        client = new RegisterClient(registers.socket());
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        registers.close();
    }

    @Test
    void fenced_refusesASmallerToken_andKeepsTheNumber() throws IOException {
        assertThat(client.read(Kind.FENCED, "orders", OLD)).hasValue(0);
        assertThat(client.write(Kind.FENCED, "orders", NEW, "b", 0)).hasValue(1);
        assertThat(client.write(Kind.FENCED, "orders", OLD, "a", 0)).isEmpty();
        assertThat(client.read(Kind.FENCED, "orders", OLD)).isEmpty();
        assertThat(client.read(Kind.FENCED, "orders", NEW)).hasValue(1);
        assertThat(registers.accesses())
                .extracting(Registers.Access::isWrite, Registers.Access::isAccepted, Registers.Access::value)
                .containsExactly(
                        tuple(false, true, 0L),
                        tuple(true, true, 1L),
                        tuple(true, false, 1L),
                        tuple(false, false, 1L),
                        tuple(false, true, 1L));
    }

    @Test
    void fenced_aReadByAGreaterToken_shutsTheSmallerOut() throws IOException {
        assertThat(client.read(Kind.FENCED, "orders", OLD)).hasValue(0);
        assertThat(client.read(Kind.FENCED, "orders", NEW)).hasValue(0);
        assertThat(client.write(Kind.FENCED, "orders", OLD, "a", 0)).isEmpty();
    }

    @Test
    void open_takesWhateverComes() throws IOException {
        assertThat(client.write(Kind.OPEN, "orders", NEW, "b", 0)).hasValue(1);
        assertThat(client.write(Kind.OPEN, "orders", OLD, "a", 0)).hasValue(1);
        assertThat(registers.accesses()).hasSize(2).allMatch(Registers.Access::isAccepted);
    }

    @Test
    void registersOfSeveralLocks_areApart() throws IOException {
        assertThat(client.write(Kind.FENCED, "orders", NEW, "b", 0)).hasValue(1);
        assertThat(client.write(Kind.FENCED, "mail", OLD, "a", 0)).hasValue(1);
    }
}
