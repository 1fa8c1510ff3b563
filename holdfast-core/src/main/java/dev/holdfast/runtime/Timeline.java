package dev.holdfast.runtime;

import dev.holdfast.LossEvent;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.protocol.Chronicle;
import dev.holdfast.protocol.Moment;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A session's chronicle in the words of the API. */
final class Timeline {

    private Timeline() {}

    /** @param forced who released the lock by force; null if nobody is known to have */
    static List<LossEvent> of(Chronicle chronicle, @Nullable ForcedRelease forced) {
        List<LossEvent> events = new ArrayList<>(7);
        Moment sent = chronicle.sentAt();
        if (sent != null) {
            events.add(new LossEvent.RenewalSent(instant(sent)));
        }
        Moment answered = chronicle.answeredAt();
        if (answered != null) {
            events.add(new LossEvent.RenewalAnswered(instant(answered)));
        }
        Chronicle.Confirmation confirmation = chronicle.confirmation();
        if (confirmation != null) {
            events.add(new LossEvent.RenewalConfirmed(
                    instant(confirmation.at()),
                    instant(confirmation.sentAt()),
                    Instant.ofEpochMilli(confirmation.deadlineWallMillis())));
        }
        Chronicle.Pause pause = chronicle.pause();
        if (pause != null && isRecent(pause.at(), confirmation)) {
            events.add(new LossEvent.Paused(instant(pause.at()), Duration.ofNanos(pause.nanos())));
        }
        Chronicle.ClockJump jump = chronicle.clockJump();
        if (jump != null && isRecent(jump.at(), confirmation)) {
            events.add(new LossEvent.ClockJumped(instant(jump.at()), Duration.ofMillis(jump.millis())));
        }
        Chronicle.Trouble trouble = chronicle.recentTrouble();
        if (trouble != null) {
            events.add(new LossEvent.ErrorSeen(instant(trouble.at()), trouble.text()));
        }
        if (forced != null) {
            events.add(new LossEvent.Forced(forced.at(), forced.by(), forced.reason()));
        }
        return events;
    }

    /** What was before the last confirmed renewal was sent has been overcome. */
    private static boolean isRecent(Moment moment, Chronicle.@Nullable Confirmation last) {
        return last == null || moment.nanos() - last.sentAt().nanos() >= 0;
    }

    static Instant instant(Moment moment) {
        return Instant.ofEpochMilli(moment.wallMillis());
    }
}
