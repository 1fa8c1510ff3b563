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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
 *       their clients cannot know. That goes for all holds in Go.
 *   <li>A token that was noted after a greater one is a breach only if its client asked for the lock after the greater one
 *       had been noted; else it was stopped in between, and overtaken.
 *   <li>Nothing may be left of anybody, whether or not its value names its owner.
 * </ul>
 */
final class Verdicts {

    private record HoldOf(String who, String lock, Token token) {
        static HoldOf of(Operation.Granted grant) {
            return new HoldOf(grant.who(), grant.lock(), grant.token());
        }
    }

    private final RunRecord run;
    private final History history;
    private final List<Holding> holdings;
    private final Promises promises;
    private final Map<HoldOf, Holding> byGrant = new HashMap<>();

    private Verdicts(RunRecord run) {
        this.run = run;
        history = run.history();
        holdings = Holding.of(history);
        promises = new Promises(run.etcd(), run.faults());
        holdings.forEach(holding -> byGrant.put(HoldOf.of(holding.grant()), holding));
    }

    static Report judge(RunRecord run) {
        return new Verdicts(run).report();
    }

    private Report report() {
        ResourceJudge resources = new ResourceJudge(run, holdings);
        List<Finding> findings = new ArrayList<>();
        findings.add(found(OneHolder.inRevisions(), history, violation -> ""));
        findings.add(found(new TokensGrow(), history, this::overtaken));
        findings.add(resources.fencedRegister());
        findings.add(resources.guardedSet());
        findings.add(found(Linearizable.fencedMutex(), withFreeEnds(), violation -> ""));
        findings.add(found(new Fifo(), history, violation -> ""));
        findings.add(found(OneHolder.inTime(), withDeadlines(), this::staleBelief));
        findings.add(found(new HonestDeadline(), history, this::serversWord));
        if (history.operations().stream().anyMatch(Operation.OnSession.class::isInstance)) {
            findings.add(found(new DeadlineOnlyConfirmed(), history, violation -> ""));
        }
        findings.add(found(new Progress(), withFaults(), violation -> ""));
        findings.add(found(new NoOrphans(), recordsOnly(), violation -> ""));
        findings.add(resources.openRegister());
        findings.add(clients());
        return new Report(findings, new Numbers(run, holdings, resources).all(), rules());
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
        List<Operation> all = new ArrayList<>(history.operations());
        for (Holding holding : holdings) {
            if (!promises.excuse(holding).isEmpty()) {
                all.add(lost(holding, holding.endNanos(run.endNanos())));
            }
        }
        return new History(all);
    }

    private static Operation.Lost lost(Holding holding, long atNanos) {
        return new Operation.Lost(atNanos, holding.who(), holding.lock(), holding.token());
    }

    private History withFaults() {
        List<Operation> all = new ArrayList<>(history.operations());
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
                && !later.token().equals(greater.token());
        return isOvertaken ? later.who() + " was stopped between grant and note, and overtaken" : "";
    }

    /** Why two may have believed at once: it is the one with the smaller token who should have stopped. */
    private String staleBelief(Verdict.Violation violation) {
        List<Operation.Granted> grants = grants(violation);
        Operation.Granted a = grants.get(0);
        Operation.Granted b = grants.get(1);
        Holding stale = byGrant.get(HoldOf.of(a.token().compareTo(b.token()) <= 0 ? a : b));
        return stale == null ? "" : promises.excuse(stale);
    }

    /** Why a client may have claimed what the server had ended; of its own deadline, and of a loss that it knew, nothing. */
    private String serversWord(Verdict.Violation violation) {
        boolean isOfServer = violation.operations().stream().anyMatch(Operation.LeaseEnded.class::isInstance);
        for (Operation operation : violation.operations()) {
            if (isOfServer && operation instanceof Operation.Claimed claim) {
                Holding holding = byGrant.get(new HoldOf(claim.who(), claim.lock(), claim.token()));
                return holding == null ? "" : promises.excuse(holding);
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
                        ? "That beliefs do not overlap is not promised with etcd " + run.etcd()
                                + ", which may end a lease early: it is counted."
                        : "That beliefs do not overlap is held against Java clients, except for holds whose entry or lease an"
                                + " operator took away.");
        rules.add(
                "Clients in Go and etcdctl are held to what etcd's own library promises: their beliefs have no deadline.");
        rules.addAll(run.crew().absent());
        rules.addAll(run.remarks());
        return rules;
    }
}
