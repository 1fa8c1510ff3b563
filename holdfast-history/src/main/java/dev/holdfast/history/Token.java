package dev.holdfast.history;

import java.util.Comparator;

/**
 * A fencing token as a history keeps it. Ordered by cluster epoch, then grant revision, then sequence number within the
 * grant.
 */
public record Token(long clusterEpoch, long revision, long seq) implements Comparable<Token> {

    private static final Comparator<Token> ORDER = Comparator.comparingLong(Token::clusterEpoch)
            .thenComparingLong(Token::revision)
            .thenComparingLong(Token::seq);

    /** @throws IllegalArgumentException if a component is negative */
    public Token {
        if (clusterEpoch < 0 || revision < 0 || seq < 0) {
            throw new IllegalArgumentException(
                    "a token has no negative part: " + clusterEpoch + "." + revision + "." + seq);
        }
    }

    /** Reads {@code epoch.revision.seq}, the form of {@link #toString()}. */
    public static Token parse(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("not a token of the form epoch.revision.seq: " + text);
        }
        try {
            return new Token(Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2]));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not a token of the form epoch.revision.seq: " + text, e);
        }
    }

    @Override
    public int compareTo(Token other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return clusterEpoch + "." + revision + "." + seq;
    }
}
