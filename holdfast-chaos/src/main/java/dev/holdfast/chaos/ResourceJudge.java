package dev.holdfast.chaos;

import dev.holdfast.chaos.Finding.Breach;
import dev.holdfast.history.Entry;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Judges what was written under the locks: the registers outside etcd, and the guarded set inside. */
final class ResourceJudge {

    private record GrantOf(String who, String lock, Token token) {}

    /** The life of an entry, in revisions. */
    private record Life(long created, long deleted) {
        boolean has(long revision) {
            return created < revision && revision < deleted;
        }
    }

    private final RunRecord run;
    private final Map<GrantOf, Holding> holdings = new HashMap<>();
    private final Map<String, List<Life>> lives = new HashMap<>();

    ResourceJudge(RunRecord run, List<Holding> all) {
        this.run = run;
        for (Holding holding : all) {
            holdings.put(new GrantOf(holding.who(), holding.lock(), holding.token()), holding);
        }
        Map<Entry, Long> deletes = new HashMap<>();
        for (EtcdRecord.Gone gone : run.etcdRecord().gone()) {
            deletes.put(gone.entry(), gone.revision());
        }
        for (Operation operation : run.etcdRecord().history().operations()) {
            if (operation instanceof Operation.Put put
                    && put.revision() == put.entry().createRevision()) {
                lives.computeIfAbsent(put.entry().key(), key -> new ArrayList<>())
                        .add(new Life(put.revision(), deletes.getOrDefault(put.entry(), Long.MAX_VALUE)));
            }
        }
    }

    /**
     * The fenced register takes no token smaller than one it took before, so nothing is written that its writer had not
     * read, and only tokens that were granted are seen at all.
     */
    Finding fencedRegister() {
        List<Breach> breaches = new ArrayList<>();
        Map<String, Registers.Write> last = new HashMap<>();
        int refused = 0;
        int accepted = 0;
        for (Registers.Write write : writes(Registers.Kind.FENCED)) {
            if (!holdings.containsKey(new GrantOf(write.who(), write.lock(), write.token()))) {
                breaches.add(breach(said(write) + ", which was never granted to it", write));
            }
            if (!write.isAccepted()) {
                refused++;
                continue;
            }
            accepted++;
            Registers.Write before = last.put(write.lock(), write);
            if (before != null && write.token().compareTo(before.token()) < 0) {
                breaches.add(breach(said(write) + " after " + said(before), write, before));
            }
            if (write.base() != (before == null ? 0 : before.value())) {
                breaches.add(
                        breach(said(write) + " over a number that it had not read: an update was lost", write, before));
            }
        }
        return Finding.of(
                "no stale write in the fenced register", accepted + " writes, " + refused + " refused", breaches);
    }

    /** What happens to a resource that does not look at tokens: counted, and nobody's breach. */
    Finding openRegister() {
        Map<Registers.Write, String> anomalies = anomalies();
        List<Breach> breaches = new ArrayList<>();
        anomalies.forEach((write, what) -> breaches.add(
                new Breach(said(write) + " " + what, "a register that does not look at tokens", operations(write))));
        return Finding.of(
                "no stale write in the open register",
                writes(Registers.Kind.OPEN).size() + " writes",
                breaches);
    }

    /** Writes of the open register by somebody who was not the owner any more, or over a number that he had not read. */
    Map<Registers.Write, String> anomalies() {
        Map<Entry, Long> gone = new HashMap<>();
        run.etcdRecord().gone().forEach(end -> gone.put(end.entry(), end.seenNanos()));
        Map<String, Token> greatest = new HashMap<>();
        Map<String, Long> values = new HashMap<>();
        Map<Registers.Write, String> anomalies = new LinkedHashMap<>();
        for (Registers.Write write : writes(Registers.Kind.OPEN)) {
            Token before = greatest.merge(write.lock(), write.token(), (a, b) -> a.compareTo(b) >= 0 ? a : b);
            Entry entry = entryOf(write);
            if (write.token().compareTo(before) < 0) {
                anomalies.put(write, "after the holder of " + before + " had");
            } else if (entry != null && gone.getOrDefault(entry, Long.MAX_VALUE) < write.atNanos()) {
                anomalies.put(write, "when its entry was gone");
            } else if (write.base() != values.getOrDefault(write.lock(), 0L)) {
                anomalies.put(write, "over a number that it had not read");
            }
            values.put(write.lock(), write.value());
        }
        return anomalies;
    }

    private @Nullable Entry entryOf(Registers.Write write) {
        Holding holding = holdings.get(new GrantOf(write.who(), write.lock(), write.token()));
        String key = holding == null ? null : holding.grant().key();
        if (key == null) {
            return null;
        }
        for (Life life : lives.getOrDefault(key, List.of())) {
            if (life.created() <= write.token().revision() && write.token().revision() < life.deleted()) {
                return new Entry(key, life.created());
            }
        }
        return null;
    }

    /**
     * Every addition that was acknowledged is in the set, at the revision that was told; none that was refused is; whatever
     * is there was added once, while the entry that guarded it lived, at or after the revision of its token.
     */
    Finding guardedSet() {
        List<Breach> breaches = new ArrayList<>();
        Map<String, Aside.Adding> wanted = new LinkedHashMap<>();
        Map<String, Aside.Added> known = new HashMap<>();
        for (Aside aside : run.crew().asides()) {
            if (aside instanceof Aside.Adding adding) {
                wanted.put(adding.element(), adding);
            } else if (aside instanceof Aside.Added added) {
                known.put(added.element(), added);
            }
        }
        Map<String, EtcdRecord.Element> found = new HashMap<>();
        for (EtcdRecord.Element element : run.etcdRecord().elements()) {
            found.put(element.key(), element);
            Aside.Adding adding = wanted.get(element.key());
            if (adding == null) {
                breaches.add(new Breach(element.key() + " is in the set, and nobody added it", "", List.of()));
            } else {
                boolean isGuarded = element.revision() > adding.token().revision()
                        && lives.getOrDefault(adding.entry(), List.of()).stream()
                                .anyMatch(life -> life.has(element.revision())
                                        && life.has(adding.token().revision() + 1));
                if (!isGuarded) {
                    breaches.add(breach(
                            element.key() + " was added at revision " + element.revision()
                                    + ", when its entry did not exist",
                            adding));
                }
            }
        }
        Set<String> rewritten = new HashSet<>(run.etcdRecord().rewritten());
        rewritten.forEach(key -> breaches.add(new Breach(key + " was added twice", "", List.of())));
        int acknowledged = 0;
        int refused = 0;
        for (Aside.Adding adding : wanted.values()) {
            Aside.Added added = known.get(adding.element());
            EtcdRecord.Element element = found.get(adding.element());
            Aside.Outcome outcome = added == null ? Aside.Outcome.INDETERMINATE : added.outcome();
            if (outcome == Aside.Outcome.ACKNOWLEDGED) {
                acknowledged++;
                if (element == null) {
                    breaches.add(breach(adding.element() + " was acknowledged, and is not in the set", adding));
                } else if (added != null && element.revision() != added.revision()) {
                    breaches.add(breach(
                            adding.element() + " was acknowledged at revision " + added.revision() + ", and added at "
                                    + element.revision(),
                            adding));
                }
            } else if (outcome == Aside.Outcome.REFUSED) {
                refused++;
                if (element != null) {
                    breaches.add(breach(adding.element() + " was refused, and is in the set", adding));
                }
            }
        }
        return Finding.of(
                "the guarded set has what was acknowledged",
                acknowledged + " acknowledged, " + refused + " refused, " + (wanted.size() - acknowledged - refused)
                        + " of unknown fate",
                breaches);
    }

    List<Registers.Write> writes(Registers.Kind kind) {
        return run.crew().writes().stream()
                .filter(write -> write.kind() == kind)
                .toList();
    }

    private static String said(Registers.Write write) {
        return write.who() + " wrote " + write.value() + " of " + write.lock() + " with token " + write.token();
    }

    private Breach breach(String what, Registers.Write write, Registers.@Nullable Write before) {
        List<Operation> operations = new ArrayList<>(before == null ? List.of() : operations(before));
        operations.addAll(operations(write));
        return new Breach(what, "", operations);
    }

    private Breach breach(String what, Registers.Write write) {
        return breach(what, write, null);
    }

    private Breach breach(String what, Aside.Adding adding) {
        Holding holding = holdings.get(new GrantOf(adding.who(), adding.lock(), adding.token()));
        return new Breach(what, "", holding == null ? List.of() : List.of(holding.grant()));
    }

    private List<Operation> operations(Registers.Write write) {
        Holding holding = holdings.get(new GrantOf(write.who(), write.lock(), write.token()));
        return holding == null ? List.of() : List.of(holding.grant());
    }
}
