package dev.holdfast.protocol;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** The views of one client, one for each lock that is or lately was contended. Confined to the event loop. */
public final class Views {

    private final Outbox out;
    private final Sessions sessions;
    private final LongSupplier luck;
    private final Consumer<LockName> onNestedTraffic;
    private final Map<LockName, View> byName = new LinkedHashMap<>();

    /**
     * Views that ask these sessions which entries are ghosts.
     *
     * @param onNestedTraffic told of a lock whose watch also brings events of locks below its name
     */
    public Views(Outbox out, Sessions sessions, LongSupplier luck, Consumer<LockName> onNestedTraffic) {
        this.out = out;
        this.onNestedTraffic = onNestedTraffic;
        this.sessions = sessions;
        this.luck = luck;
    }

    View of(LockName name) {
        return byName.computeIfAbsent(name, n -> new View(n, out, this, sessions, luck));
    }

    void onNestedTraffic(LockName name) {
        onNestedTraffic.accept(name);
    }

    /** The queue's entry is of no interest any more. */
    void leave(QueueMachine queue, Moment now) {
        View view = byName.get(queue.name());
        if (view != null) {
            view.leave(queue, now);
        }
    }

    /** Forgets everything: what was seen is of a time line that does not go on. */
    public void clear() {
        List<View> all = List.copyOf(byName.values());
        byName.clear();
        all.forEach(View::end);
    }

    void drop(View view) {
        byName.remove(view.name(), view);
    }

    /** How many there are. */
    public int size() {
        return byName.size();
    }
}
