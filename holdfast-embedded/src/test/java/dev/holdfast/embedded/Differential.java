package dev.holdfast.embedded;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.holdfast.etcdapi.CompactionRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * Plays histories on an engine and on another server at the same time, and finds what can be seen to differ. Ids are not
 * compared, nor times within reason. Confined to one thread.
 */
final class Differential {
    private final Target engine;
    private final Target real;
    private final RealEtcd.Version version;
    private long compared;

    /** @param version the release that the second one is, or behaves like */
    Differential(Target engine, Target real, RealEtcd.Version version) {
        this.engine = engine;
        this.real = real;
        this.version = version;
    }

    RealEtcd.Version version() {
        return version;
    }

    /** How many requests, and histories of watches, were compared. */
    long compared() {
        return compared;
    }

    /**
     * What differs and is not known to, the earliest first; nothing when all is well.
     *
     * @param patienceMillis how long to wait for an answer on a stream before that is a difference
     */
    List<SideBySide.Mismatch> play(History history, long patienceMillis) {
        CompletableFuture<Playback> emptied = CompletableFuture.supplyAsync(() -> new Playback(engine, patienceMillis));
        Playback theirs = new Playback(real, patienceMillis);
        Playback ours = emptied.join();
        int from = 0;
        List<Step> steps = history.steps();
        for (int i = 0; i <= steps.size(); i++) {
            boolean isEnd = i == steps.size();
            if (!isEnd && steps.get(i) instanceof Step.Request) {
                continue;
            }
            List<Step> part = steps.subList(from, i);
            from = i + 1;
            CompletableFuture<Void> played = CompletableFuture.runAsync(() -> play(part, isEnd, ours));
            play(part, isEnd, theirs);
            played.join();
            if (!isEnd) {
                restart(ours, theirs);
            }
        }
        List<SideBySide.Mismatch> found = compare(ours.seen(), theirs.seen());
        found.removeIf(mismatch -> ReleaseDifferences.isKnown(version, mismatch));
        return found;
    }

    private static void play(List<Step> steps, boolean isEnd, Playback playback) {
        for (Step step : steps) {
            playback.play(((Step.Request) step).message());
        }
        if (isEnd) {
            playback.end();
        } else {
            playback.prepareRestart();
        }
    }

    /**
     * An engine may have forgotten history when it comes back, as if it had been compacted; never its last revision. Then
     * the other one is compacted to the same revision, and all else must be as if nothing had happened.
     */
    private static void restart(Playback ours, Playback theirs) {
        long forgotten = ours.restart();
        theirs.reopenStream();
        if (forgotten == 0) {
            return;
        }
        CompactionRequest compact = CompactionRequest.newBuilder()
                .setRevision(theirs.compactable(forgotten))
                .build();
        theirs.play(compact);
        if (compact.getRevision() > forgotten) {
            ours.play(compact);
        } else {
            // On the engine it has happened already; the answer to that is not compared.
            ours.seen().add(theirs.seen().get(theirs.seen().size() - 1));
        }
    }

    private List<SideBySide.Mismatch> compare(List<Playback.Seen> ours, List<Playback.Seen> theirs) {
        List<SideBySide.Mismatch> found = new ArrayList<>();
        for (int i = 0; i < Math.max(ours.size(), theirs.size()); i++) {
            compared++;
            if (i >= ours.size() || i >= theirs.size()) {
                Playback.Seen more = i < ours.size() ? ours.get(i) : theirs.get(i);
                found.add(mismatch(more.about(), "asked: " + (i < ours.size()), "asked: " + (i < theirs.size())));
                return found;
            }
            compare(ours.get(i), theirs.get(i), found);
        }
        return found;
    }

    private static void compare(Playback.Seen ours, Playback.Seen theirs, List<SideBySide.Mismatch> found) {
        if (!ours.about().equals(theirs.about())) {
            found.add(mismatch("what was asked", ours.about(), theirs.about()));
        }
        if (!ours.what().equals(theirs.what())) {
            found.add(mismatch(ours.about(), text(ours.what()), text(theirs.what())));
        }
    }

    private static SideBySide.Mismatch mismatch(String about, String ours, String theirs) {
        return new SideBySide.Mismatch("history", about, ours, theirs);
    }

    /** One line for each thing that was seen. */
    private static String text(List<Object> seen) {
        return seen.stream()
                .map(one -> one instanceof Message message
                        ? TextFormat.printer().emittingSingleLine(true).printToString(message)
                        : one.toString())
                .collect(Collectors.joining("\n"));
    }
}
