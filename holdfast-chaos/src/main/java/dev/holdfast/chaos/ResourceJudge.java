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
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Judges what was written under the locks: the registers outside etcd, and the guarded set inside. */
final class ResourceJudge {

    private record GrantOf(String who, String lock, Token token) {}

    private record TokenOf(String lock, Token token) {}

    private final RunRecord run;
    private final Map<GrantOf, Holding> holdings = new HashMap<>();
    private final Map<TokenOf, Holding> byToken = new HashMap<>();
    private final Lives lives;

    ResourceJudge(RunRecord run, List<Holding> all, Lives lives) {
        this.run = run;
        this.lives = lives;
        for (Holding holding : all) {
            holdings.put(new GrantOf(holding.who(), holding.lock(), holding.token()), holding);
            byToken.putIfAbsent(new TokenOf(holding.lock(), holding.token()), holding);
        }
    }

    /**
     * What the fenced register did, in the order in which it did it, is what a register that is fenced must do, whatever it
     * takes itself for: once it has accepted a token, to read or to write, it accepts no smaller one. So nothing is written
     * that its writer had not read. Only tokens that were granted are seen at all. And nobody is refused who still owns the
     * lock by etcd's record: what is greater was granted after his entry was gone.
     */
    Finding fencedRegister() {
        List<Breach> breaches = new ArrayList<>();
        Map<String, Registers.Access> greatest = new HashMap<>();
        Map<String, Registers.Access> last = new HashMap<>();
        int[] reads = {0, 0};
        int[] writes = {0, 0};
        for (Registers.Access access : accesses(Registers.Kind.FENCED)) {
            (access.isWrite() ? writes : reads)[access.isAccepted() ? 0 : 1]++;
            Holding holding = holdingOf(access);
            if (holding == null) {
                breaches.add(breach(said(access) + ", which was never granted to it", access));
                continue;
            }
            Registers.Access before = greatest.get(access.lock());
            Registers.Access greater = before != null && access.token().compareTo(before.token()) < 0 ? before : null;
            if (!access.isAccepted()) {
                refusal(access, holding, greater).ifPresent(breaches::add);
                continue;
            }
            if (greater != null) {
                breaches.add(breach(said(access) + " after " + said(greater), access, greater));
            } else {
                greatest.put(access.lock(), access);
            }
            if (access.isWrite()) {
                Registers.Access written = last.put(access.lock(), access);
                if (access.base() != (written == null ? 0 : written.value())) {
                    breaches.add(breach(
                            said(access) + " over a number that it had not read: an update was lost", access, written));
                }
            }
        }
        return Finding.of(
                "no stale write in the fenced register",
                reads[0] + " reads and " + writes[0] + " writes, " + reads[1] + " and " + writes[1] + " refused",
                breaches);
    }

    /** What is wrong with a refusal, if anything is. */
    private Optional<Breach> refusal(Registers.Access refused, Holding holding, Registers.@Nullable Access greater) {
        if (greater == null) {
            return Optional.of(
                    breach(said(refused) + ", and was refused though nothing greater had been seen", refused));
        }
        long overtaken = greater.token().revision();
        boolean owned = lives.of(holding).filter(life -> life.has(overtaken)).isPresent();
        return owned
                ? Optional.of(breach(
                        said(refused) + ", and was refused though it owned the lock at revision " + overtaken
                                + ", where " + greater.token() + " was granted",
                        refused,
                        greater))
                : Optional.empty();
    }

    /** What happens to a resource that does not look at tokens: counted, and nobody's breach. */
    Finding openRegister() {
        Map<Registers.Access, String> anomalies = anomalies();
        List<Breach> breaches = new ArrayList<>();
        anomalies.forEach((write, what) -> breaches.add(
                new Breach(said(write) + " " + what, "a register that does not look at tokens", operations(write))));
        return Finding.of("no stale write in the open register", openWrites().size() + " writes", breaches);
    }

    /** Writes of the open register by somebody who was not the owner any more, or over a number that he had not read. */
    Map<Registers.Access, String> anomalies() {
        Map<Entry, Long> gone = new HashMap<>();
        run.etcdRecord().gone().forEach(end -> gone.put(end.entry(), end.seenNanos()));
        Map<String, Token> greatest = new HashMap<>();
        Map<String, Long> values = new HashMap<>();
        Map<Registers.Access, String> anomalies = new LinkedHashMap<>();
        for (Registers.Access write : openWrites()) {
            Token before = greatest.merge(write.lock(), write.token(), (a, b) -> a.compareTo(b) >= 0 ? a : b);
            Holding holding = holdingOf(write);
            Entry entry = holding == null
                    ? null
                    : lives.of(holding).map(Lives.Life::entry).orElse(null);
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

    /**
     * Every addition that was acknowledged is in the set, at the revision that was told; none that was refused is; whatever
     * is there was added once and never taken out, with the token of its writer, while the entry that guarded it lived, at
     * or after the revision of its token; and from one element of a lock to the next the token does not shrink.
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
        Map<String, Aside.Adding> greatest = new HashMap<>();
        for (EtcdRecord.Element element : run.etcdRecord().elements()) {
            found.put(element.key(), element);
            Aside.Adding adding = wanted.get(element.key());
            if (adding == null) {
                breaches.add(new Breach(element.key() + " is in the set, and nobody added it", "", List.of()));
            } else {
                Holding holding = holdings.get(new GrantOf(adding.who(), adding.lock(), adding.token()));
                boolean isGuarded = element.revision() > adding.token().revision()
                        && lives.of(adding.entry(), adding.token().revision())
                                .filter(life -> element.revision() < life.deleted())
                                .isPresent();
                if (holding == null) {
                    breaches.add(breach(
                            element.key() + " was added with token " + adding.token() + ", which was never granted to "
                                    + adding.who(),
                            adding));
                }
                if (!element.token().equals(adding.token().toString())) {
                    breaches.add(breach(
                            element.key() + " has the token " + element.token() + ", and was added with "
                                    + adding.token(),
                            adding));
                }
                Aside.Adding before = greatest.get(adding.lock());
                if (before != null && adding.token().compareTo(before.token()) < 0) {
                    breaches.add(breach(
                            element.key() + " was added with token " + adding.token() + " after " + before.element()
                                    + " with " + before.token(),
                            adding));
                } else {
                    greatest.put(adding.lock(), adding);
                }
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
        run.etcdRecord()
                .removed()
                .forEach(key -> breaches.add(new Breach(key + " was taken out of the set", "", List.of())));
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

    /** All writes of the open register. */
    List<Registers.Access> openWrites() {
        return accesses(Registers.Kind.OPEN).stream()
                .filter(Registers.Access::isWrite)
                .toList();
    }

    private List<Registers.Access> accesses(Registers.Kind kind) {
        return run.crew().accesses().stream()
                .filter(access -> access.kind() == kind)
                .toList();
    }

    /** The hold under which it was asked; null if there is none. */
    private @Nullable Holding holdingOf(Registers.Access access) {
        return access.isWrite()
                ? holdings.get(new GrantOf(access.who(), access.lock(), access.token()))
                : byToken.get(new TokenOf(access.lock(), access.token()));
    }

    private static String said(Registers.Access access) {
        return (access.isWrite() ? access.who() + " wrote " : "somebody read ") + access.value() + " of "
                + access.lock() + " with token " + access.token();
    }

    private Breach breach(String what, Registers.Access write, Registers.@Nullable Access before) {
        List<Operation> operations = new ArrayList<>(before == null ? List.of() : operations(before));
        operations.addAll(operations(write));
        return new Breach(what, "", operations);
    }

    private Breach breach(String what, Registers.Access write) {
        return breach(what, write, null);
    }

    private Breach breach(String what, Aside.Adding adding) {
        Holding holding = holdings.get(new GrantOf(adding.who(), adding.lock(), adding.token()));
        return new Breach(what, "", holding == null ? List.of() : List.of(holding.grant()));
    }

    private List<Operation> operations(Registers.Access access) {
        Holding holding = holdingOf(access);
        return holding == null ? List.of() : List.of(holding.grant());
    }
}
