package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.etcd.Outcome.Answer;
import dev.holdfast.etcd.Outcome.Failure;
import java.util.ArrayList;
import java.util.List;

/** Remembers what became of a request; more than one outcome makes every question fail. */
final class Recorded<T> implements Reply<T> {

    private final List<Outcome<T>> outcomes = new ArrayList<>();

    @Override
    public void on(Outcome<T> outcome) {
        outcomes.add(outcome);
    }

    boolean isEmpty() {
        return outcomes.isEmpty();
    }

    T answer() {
        assertThat(outcomes).hasSize(1);
        assertThat(outcomes.get(0)).isInstanceOf(Answer.class);
        return ((Answer<T>) outcomes.get(0)).value();
    }

    EtcdError error() {
        assertThat(outcomes).hasSize(1);
        assertThat(outcomes.get(0)).isInstanceOf(Failure.class);
        return ((Failure<T>) outcomes.get(0)).error();
    }
}
