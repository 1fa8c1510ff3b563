package dev.holdfast.chaos;

import dev.holdfast.chaos.Finding.Breach;
import dev.holdfast.history.Checker;
import dev.holdfast.history.DeadlineOnlyConfirmed;
import dev.holdfast.history.Fifo;
import dev.holdfast.history.History;
import dev.holdfast.history.HonestDeadline;
import dev.holdfast.history.Linearizable;
import dev.holdfast.history.NoOrphans;
import dev.holdfast.history.OneHolder;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Progress;
import dev.holdfast.history.Token;
import dev.holdfast.history.TokensGrow;
import dev.holdfast.history.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Judges a run: the checkers of histories, the registers and the guarded set; and knows what excuses what.
 *
 * <p>Each checker is given the part of the history that it can judge fairly:
 *
 * <ul>
 *   <li>Who believes in time is judged with beliefs that end at their deadline: a client that was stopped notes the end when
 *       it goes on, and claims nothing before.
 *   <li>In the search for an order, holds to which S3 is not promised may have ended at any time, as if they had been lost:
 *       their clients cannot know, and may enter them again meanwhile. That goes for all holds in Go.
 *   <li>A token that was noted after a greater one is a breach unless its client was overtaken: it asked before the greater
 *       one was noted, and when that was granted its entry was gone, which nobody but the end of its lease or an operator
 *       can have done, as the client itself did not have it yet.
 *   <li>Who waits is judged from the last fault on, the recovery of the cluster included, until the clients were told to end
 *       and had the time to: what was done to those who had not is no excuse. Everybody is served within {@value
 *       #SERVED_SECONDS} s.
 *   <li>Deadlines are those that clients read from their holds, and what moves them on is what went over their connections.
 *   <li>Nothing may be left of anybody, whether or not its value names its owner.
 * </ul>
 */
final class Verdicts {

    /** Room for the leases of those who died last, for the holds of everybody ahead, and for a slow machine. */
    private static final int SERVED_SECONDS = 30;

    /** Twice the usual, and a hundred times what runs have needed; about 200 MB. */
    private static final int MOST_STATES = 1_000_000;

    private record HoldOf(String who, String lock, Token token) {
        static HoldOf of(Operation.Granted grant) {
            return new HoldOf(grant.who(), grant.lock(), grant.token());
        }
    }

    private final RunRecord run;
    private final int mostStates;
    private final History history;
    private final List<Holding> holdings;
    private final Lives lives;
    private final Promises promises;
    private final Map<HoldOf, Holding> byGrant = new HashMap<>();

    private Verdicts(RunRecord run, int mostStates) {
        this.run = run;
        this.mostStates = mostStates;
        history = run.history();
        holdings = Holding.of(history);
        lives = new Lives(run);
        promises = new Promises(run, lives);
        holdings.forEach(holding -> byGrant.put(HoldOf.of(holding.grant()), holding));
    }

    static Report judge(RunRecord run) {
        return judge(run, MOST_STATES);
    }

    /** As {@link #judge(RunRecord)}, with another limit for the search for an order. */
    static Report judge(RunRecord run, int mostStates) {
        return new Verdicts(run, mostStates).report();
    }

    private Report report() {
        ResourceJudge resources = new ResourceJudge(run, holdings, lives);
        List<Finding> findings = new ArrayList<>();
        findings.add(found(OneHolder.inRevisions(), history, violation -> ""));
        findings.add(found(new TokensGrow(), history, this::overtaken));
        findings.add(resources.fencedRegister());
        findings.add(resources.guardedSet());
        findings.add(found(Linearizable.fencedMutex().givingUpAfter(mostStates), withFreeEnds(), violation -> ""));
        findings.add(found(new Fifo(), history, violation -> ""));
        findings.add(found(OneHolder.inTime(), withDeadlines(), this::staleBelief));
        findings.add(found(new HonestDeadline(), history, this::serversWord));
        findings.add(deadlines());
        findings.add(progress());
        findings.add(found(new NoOrphans(), recordsOnly(), violation -> ""));
        findings.add(resources.openRegister());
        findings.add(clients());
        return new Report(findings, new Numbers(run, holdings, resources).all(), rules());
    }

    /** Nothing is shown by a run in which no deadline was seen to move. */
    private Finding deadlines() {
        Finding finding = found(new DeadlineOnlyConfirmed(), history, violation -> "");
        boolean isSeen = history.operations().stream().anyMatch(Operation.DeadlineMoved.class::isInstance);
        return isSeen ? finding : finding.undecidedIfKept("no client noted that a deadline moved");
    }

    /** Nothing is shown by a run in which nobody waited in the calm at its end. */
    private Finding progress() {
        History judged = whileWatched();
        Finding finding = found(Progress.within(Duration.ofSeconds(SERVED_SECONDS)), judged, violation -> "");
        long calmNanos = calmNanos(judged);
        long asked = judged.operations().stream()
                .filter(note -> note instanceof Operation.Requested request && request.atNanos() >= calmNanos)
                .count();
        return asked == 0
                ? finding.undecidedIfKept("nobody asked for a lock after the last fault")
                : finding.with(finding.evidence() + "; " + asked + " asked after the last fault");
    }

    private static long calmNanos(History history) {
        long calmNanos = Long.MIN_VALUE;
        for (Operation operation : history.operations()) {
            if (operation instanceof Operation.Faulted fault) {
                calmNanos = Math.max(calmNanos, fault.untilNanos());
            } else if (operation instanceof Operation.Killed killed) {
                calmNanos = Math.max(calmNanos, killed.atNanos());
            }
        }
        return calmNanos;
    }

    private Finding found(Checker checker, History part, Function<Verdict.Violation, String> excuse) {
        Verdict verdict = checker.check(part);
        if (verdict instanceof Verdict.Undecided undecided) {
            return new Finding(verdict.claim(), Finding.Standing.UNDECIDED, undecided.why(), List.of());
        }
        if (verdict instanceof Verdict.Violated violated) {
            List<Breach> breaches = new ArrayList<>();
            for (Verdict.Violation violation : violated.violations()) {
                breaches.add(new Breach(violation.what(), excuse.apply(violation), violation.operations()));
            }
            return Finding.of(verdict.claim(), holdings.size() + " holds", breaches);
        }
        return Finding.of(verdict.claim(), ((Verdict.Holds) verdict).evidence(), List.of());
    }

    // ---------------------------------------------------------------------------------------------- what is looked at

    /** Beliefs end at their deadline at the latest. */
    private History withDeadlines() {
        List<Operation> all = new ArrayList<>(history.operations());
        for (Holding holding : holdings) {
            if (holding.believedUntil(Long.MAX_VALUE) < holding.endNanos(Long.MAX_VALUE)) {
                all.add(lost(holding, holding.believedUntil(Long.MAX_VALUE)));
            }
        }
        return new History(all);
    }

    /** Holds to which S3 is not promised may have ended at any time. */
    private History withFreeEnds() {
        Set<HoldOf> free = new HashSet<>();
        List<Operation> all = new ArrayList<>();
        for (Holding holding : holdings) {
            if (promises.mayHaveEndedUnnoticed(holding)) {
                free.add(HoldOf.of(holding.grant()));
                all.add(lost(holding, holding.endNanos(run.endNanos())));
            }
        }
        for (Operation operation : history.operations()) {
            // An inner entry asks nobody but the client, which does not know.
            boolean isOfFree = (operation instanceof Operation.Reentered inner
                            && free.contains(new HoldOf(inner.who(), inner.lock(), inner.token())))
                    || (operation instanceof Operation.Exited outer
                            && free.contains(new HoldOf(outer.who(), outer.lock(), outer.token())));
            if (!isOfFree) {
                all.add(operation);
            }
        }
        return new History(all);
    }

    private static Operation.Lost lost(Holding holding, long atNanos) {
        return new Operation.Lost(atNanos, holding.who(), holding.lock(), holding.token());
    }

    /** With the faults, and without what was noted when nobody was watched any more: the kill of those who hung, above all. */
    private History whileWatched() {
        long watchedNanos = history.operations().stream()
                .filter(Operation.WatchedUntil.class::isInstance)
                .mapToLong(operation -> ((Operation.WatchedUntil) operation).atNanos())
                .max()
                .orElse(Long.MAX_VALUE);
        List<Operation> all = new ArrayList<>();
        for (Operation operation : history.operations()) {
            if (!(operation instanceof Operation.ByClient note) || note.atNanos() <= watchedNanos) {
                all.add(operation);
            }
        }
        for (Fault fault : run.faults()) {
            all.add(new Operation.Faulted(fault.fromNanos(), fault.untilNanos(), fault.kind() + " " + fault.target()));
        }
        return new History(all);
    }

    private History recordsOnly() {
        return new History(history.operations().stream()
                .filter(Operation.InEtcd.class::isInstance)
                .toList());
    }

    // ---------------------------------------------------------------------------------------------- what excuses

    /** Why a token may have been noted after a greater one. */
    private String overtaken(Verdict.Violation violation) {
        List<Operation.Granted> grants = grants(violation);
        Operation.Granted greater = grants.get(0);
        Operation.Granted later = grants.get(1);
        Holding holding = byGrant.get(HoldOf.of(later));
        boolean isOvertaken = holding != null
                && holding.requestedNanos() <= greater.atNanos()
                && lives.of(holding)
                        .filter(life -> life.deleted() <= greater.token().revision())
                        .isPresent()
                && (promises.mayHaveEndedUnnoticed(holding) || lives.isEndedWithLease(holding));
        return isOvertaken
                ? later.who() + " was stopped between grant and note, and overtaken when its entry was gone"
                : "";
    }

    /** Why two may have believed at once: it is the one with the smaller token who should have stopped. */
    private String staleBelief(Verdict.Violation violation) {
        List<Operation.Granted> grants = grants(violation);
        Operation.Granted a = grants.get(0);
        Operation.Granted b = grants.get(1);
        boolean isFirst = a.token().compareTo(b.token()) <= 0;
        Holding stale = byGrant.get(HoldOf.of(isFirst ? a : b));
        Holding other = byGrant.get(HoldOf.of(isFirst ? b : a));
        if (stale == null || other == null) {
            return "";
        }
        return promises.excuse(
                stale,
                Math.max(a.atNanos(), b.atNanos()),
                Math.min(stale.believedUntil(run.endNanos()), other.believedUntil(run.endNanos())));
    }

    /** Why a client may have claimed what the server had ended; of its own deadline, and of a loss that it knew, nothing. */
    private String serversWord(Verdict.Violation violation) {
        boolean isOfServer = violation.operations().stream().anyMatch(Operation.LeaseEnded.class::isInstance);
        for (Operation operation : violation.operations()) {
            if (isOfServer && operation instanceof Operation.Claimed claim) {
                Holding holding = byGrant.get(new HoldOf(claim.who(), claim.lock(), claim.token()));
                return holding == null ? "" : promises.excuseOfLease(holding, claim.atNanos());
            }
        }
        return "";
    }

    private static List<Operation.Granted> grants(Verdict.Violation violation) {
        return violation.operations().stream()
                .filter(Operation.Granted.class::isInstance)
                .map(Operation.Granted.class::cast)
                .toList();
    }

    // ---------------------------------------------------------------------------------------------- the rest

    private Finding clients() {
        List<Breach> breaches = new ArrayList<>();
        run.crew().problems().forEach(problem -> breaches.add(new Breach(problem, "", List.of())));
        Map<String, Long> byKind = holdings.stream()
                .collect(Collectors.groupingBy(holding -> Holding.kindOf(holding.who()), Collectors.counting()));
        if (!byKind.containsKey("java")) {
            breaches.add(new Breach("no client of Holdfast ever held a lock: nothing was shown", "", List.of()));
        }
        return Finding.of("clients behave", run.crew().deaths() + " killed and replaced", breaches);
    }

    private List<String> rules() {
        List<String> rules = new ArrayList<>();
        rules.add(
                "One owner, growing tokens, fenced register and guarded set are held against everybody, without excuse.");
        rules.add(
                promises.endsLeasesEarly()
                        ? "That beliefs do not overlap is not promised to holds whose lease ended, with etcd "
                                + run.etcd() + ", which may end one early: it is counted."
                        : "That beliefs do not overlap is held against Java clients.");
        rules.add("A hold whose entry or lease an operator took away may be believed in for "
                + Duration.ofNanos(promises.settleNanos()).toSeconds()
                + " s more, by deadline and re-check: it is counted.");
        rules.add("Who asks after the last fault, or still waits then, is served within " + SERVED_SECONDS + " s.");
        rules.add(
                "Clients in Go and etcdctl are held to what etcd's own library promises: their beliefs have no deadline.");
        rules.addAll(run.crew().absent());
        rules.addAll(run.remarks());
        return rules;
    }
}
