package dev.holdfast;

/**
 * What is known of a lost hold.
 *
 * @param lockName the lock
 * @param token the token of the hold that was lost
 * @param reason why
 * @param detail a sentence for people: what was seen, with times
 */
public record Loss(String lockName, FencingToken token, LossReason reason, String detail) {
    @Override
    public String toString() {
        return "hold " + token + " of lock '" + lockName + "' was lost (" + reason + "): " + detail;
    }
}
