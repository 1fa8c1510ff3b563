package dev.holdfast.cli.demo;

import dev.holdfast.cli.DurationRange;
import dev.holdfast.cli.DurationText;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * What is played. Immutable; the same scenario draws the same working times.
 *
 * @param workers how many contend, 1 to 100
 * @param tries how often each tries, 1 to 1000
 * @param timeout how long one try waits, before {@code speed}
 * @param retryInterval the pause between two tries, before {@code speed}
 * @param work how long a worker holds the lock, before {@code speed}
 * @param lock the name of the lock
 * @param retry what a vain try does to the place in the queue
 * @param speed work and waits are divided by this; leases are not
 * @param ttl the TTL of each worker's session
 * @param seed decides every random choice
 * @param victim the worker to be killed while it holds, or 0 for none; it works until then
 */
public record Scenario(
        int workers,
        int tries,
        Duration timeout,
        Duration retryInterval,
        DurationRange work,
        String lock,
        Retry retry,
        double speed,
        Duration ttl,
        long seed,
        int victim) {

    private static final int MOST_WORKERS = 100;
    private static final int MOST_TRIES = 1_000;
    private static final int LONGEST_LOCK_NAME_BYTES = 512;
    private static final String RESERVED_ROOT = "_holdfast";

    /** How long a victim works unless it is killed, which is what it is for. */
    private static final Duration UNTIL_KILLED = Duration.ofHours(1);

    /**
     * Checks everything a user may have given.
     *
     * @throws IllegalArgumentException if something is out of range, naming the option
     */
    public Scenario {
        require(workers >= 1 && workers <= MOST_WORKERS, "--workers must be 1 to 100, but is " + workers);
        require(tries >= 1 && tries <= MOST_TRIES, "--tries must be 1 to 1000, but is " + tries);
        require(!timeout.isZero() && !timeout.isNegative(), "--timeout must be longer than nothing");
        require(!retryInterval.isNegative(), "--retry-interval must not be negative");
        require(speed >= 0.1 && speed <= 1_000, "--speed must be 0.1 to 1000, but is " + speed);
        require(
                victim >= 0 && victim <= workers,
                "--kill must be the number of a worker, 1 to " + workers + ", but is " + victim);
        requireLockName(lock);
    }

    private static void requireLockName(String lock) {
        require(!lock.isEmpty(), "--lock must not be empty");
        require(
                lock.getBytes(StandardCharsets.UTF_8).length <= LONGEST_LOCK_NAME_BYTES,
                "--lock must be at most 512 bytes long");
        require(
                lock.codePoints().noneMatch(c -> Character.isISOControl(c) || isSurrogate(c)),
                "--lock must not contain control characters or unpaired surrogates");
        require(
                !lock.endsWith("/"),
                "--lock must not end with '/', but is '" + lock + "' (a leading '/' is part of the name)");
        require(
                !lock.equals(RESERVED_ROOT) && !lock.startsWith(RESERVED_ROOT + "/"),
                "--lock must not be " + RESERVED_ROOT + " or under it, where sessions are kept, but is '" + lock + "'");
        require(!lock.contains("//"), "--lock must not contain '//', but is '" + lock + "'");
    }

    private static boolean isSurrogate(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /** The name of worker number {@code number}, counted from 1. */
    public static String nameOf(int number) {
        return "w" + number;
    }

    /** The prefix of the lock's queue entries in etcd. */
    String prefix() {
        return lock + "/";
    }

    boolean isVictim(int number) {
        return number == victim;
    }

    /** How long one try waits. */
    Duration tryFor() {
        return scaled(timeout);
    }

    /** How long a worker pauses between two tries. */
    Duration pauseFor() {
        return scaled(retryInterval);
    }

    /** How long worker number {@code number} works with the lock in hand. */
    Duration workOf(int number) {
        if (isVictim(number)) {
            return UNTIL_KILLED;
        }
        long leastNanos = work.least().toNanos();
        long spanNanos = work.most().toNanos() - leastNanos;
        SplittableRandom random = new SplittableRandom(seed * 1_000 + number);
        return scaled(Duration.ofNanos(leastNanos + (spanNanos == 0 ? 0 : random.nextLong(spanNanos + 1))));
    }

    /** How long the victim is left to work before it is killed. */
    Duration workBeforeKill() {
        return scaled(Duration.ofSeconds(1));
    }

    private Duration scaled(Duration duration) {
        return Duration.ofNanos((long) (duration.toNanos() / speed));
    }

    /**
     * The same with so many tries that whoever waits behind the victim outlasts its lease, which {@code speed} does not
     * shorten.
     */
    public Scenario outlastingTheVictim() {
        Duration longest = scaled(work.most())
                .multipliedBy(workers)
                .plus(ttl.multipliedBy(3))
                .plus(workBeforeKill());
        long needed =
                1 + longest.toNanos() / Math.max(1, tryFor().plus(pauseFor()).toNanos());
        int enough = (int) Math.min(MOST_TRIES, Math.max(tries, needed));
        return new Scenario(workers, enough, timeout, retryInterval, work, lock, retry, speed, ttl, seed, victim);
    }

    /** One line for people. */
    String inWords() {
        return workers + (workers == 1 ? " worker, " : " workers, ") + "lock " + lock + ", " + tries
                + (tries == 1 ? " try" : " tries") + " of " + DurationText.exact(timeout) + ", "
                + DurationText.exact(retryInterval) + " between them ("
                + (retry == Retry.KEEP ? "keeping the place" : "losing the place") + "), work " + work
                + (speed == 1 ? "" : ", speed " + plain(speed)) + ", seed " + seed;
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }
}
