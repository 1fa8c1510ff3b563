package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class LineTest {

    private static final class Person extends Line.Member<Person> {}

    private final List<Person> people = Stream.generate(Person::new).limit(10).toList();
    private final Line<Person> line = new Line<>();

    @Test
    void isTheSameAsALinkedHashSet_whoeverComesAndGoes() {
        Set<Person> model = new LinkedHashSet<>();
        Random luck = new Random(7);
        for (int i = 0; i < 2_000; i++) {
            Person someone = people.get(luck.nextInt(people.size()));
            if (luck.nextBoolean()) {
                assertThat(line.add(someone)).isEqualTo(model.add(someone));
            } else {
                assertThat(line.remove(someone)).isEqualTo(model.remove(someone));
            }
            assertThat(List.copyOf(line)).isEqualTo(List.copyOf(model));
            assertThat(line.contains(someone)).isEqualTo(model.contains(someone));
            assertThat(line.isEmpty()).isEqualTo(model.isEmpty());
        }
    }

    @Test
    void whoStandsInOneLine_cannotStandInAnother() {
        Person someone = people.get(0);
        line.add(someone);
        Line<Person> other = new Line<>();
        assertThatThrownBy(() -> other.add(someone)).isInstanceOf(IllegalStateException.class);
        assertThat(other.remove(someone)).isFalse();
        assertThat(line).containsExactly(someone);
        line.remove(someone);
        assertThat(other.add(someone)).isTrue();
    }

    @Test
    void theEnd_isSaid() {
        Iterator<Person> nobody = line.iterator();
        assertThat(nobody.hasNext()).isFalse();
        assertThatThrownBy(nobody::next).isInstanceOf(NoSuchElementException.class);
    }
}
