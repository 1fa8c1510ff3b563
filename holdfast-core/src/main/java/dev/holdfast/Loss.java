package dev.holdfast;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What is known of a lost hold. Immutable.
 *
 * <pre>{@code
 * hold.onLost(loss -> {
 *     loss.forced().ifPresent(forced -> System.err.println("released by " + forced.by() + ": " + forced.reason()));
 *     System.err.println(loss); // in one line, with its timeline
 * });
 * }</pre>
 *
 * @param lockName the lock
 * @param token the token of the hold that was lost
 * @param reason why
 * @param detail a sentence for people: what was seen, with times
 * @param at when the loss was noticed, by this process's wall clock
 * @param timeline what happened before, oldest first: one event of each kind at most
 */
public record Loss(
        String lockName, FencingToken token, LossReason reason, String detail, Instant at, List<LossEvent> timeline) {

    /** The timeline is put in order. */
    public Loss {
        Objects.requireNonNull(lockName, "lockName");
        Objects.requireNonNull(token, "token");
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(detail, "detail");
        Objects.requireNonNull(at, "at");
        timeline = timeline.stream().sorted(Comparator.comparing(LossEvent::at)).toList();
    }

    /** Who released the lock by force, and why; present if {@link #reason()} is {@link LossReason#FORCED}. */
    public Optional<LossEvent.Forced> forced() {
        return event(LossEvent.Forced.class);
    }

    /** The event of that kind, if there was one: {@code loss.event(LossEvent.Paused.class)}. */
    public <E extends LossEvent> Optional<E> event(Class<E> kind) {
        return timeline.stream().filter(kind::isInstance).map(kind::cast).findFirst();
    }

    /** In one line, the timeline in milliseconds before the loss was noticed. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("hold ")
                .append(token)
                .append(" of lock '")
                .append(lockName)
                .append("' was lost (")
                .append(reason)
                .append("): ")
                .append(detail);
        if (!timeline.isEmpty()) {
            text.append(" [");
            String separator = "";
            for (LossEvent event : timeline) {
                text.append(separator)
                        .append(Duration.between(at, event.at()).toMillis())
                        .append(" ms ")
                        .append(event);
                separator = "; ";
            }
            text.append("; 0 ms noticed at ").append(at).append(']');
        }
        return text.toString();
    }
}
