package dev.holdfast.runtime;

import java.util.AbstractSet;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A set in the order of arrival whose members carry the links, so that an empty one is small and a member costs no object. For
 * whoever is in one such set at a time. Not thread-safe.
 *
 * @param <E> the kind of members
 */
final class Line<E extends Line.Member<E>> extends AbstractSet<E> {

    /** Whoever can stand in a line. What is here belongs to the line. */
    abstract static class Member<E> {
        private @Nullable Line<?> line;
        private @Nullable E before;
        private @Nullable E after;
    }

    private @Nullable E first;
    private @Nullable E last;
    private int size;

    /**
     * Puts it at the end.
     *
     * @return whether it was not here yet
     * @throws IllegalStateException if it stands in another line
     */
    @Override
    public boolean add(E newcomer) {
        Line.Member<E> member = newcomer;
        if (isHere(member)) {
            return false;
        }
        if (member.line != null) {
            throw new IllegalStateException("in another line: " + newcomer);
        }
        Line.Member<E> end = last;
        member.line = this;
        member.before = last;
        if (end == null) {
            first = newcomer;
        } else {
            end.after = newcomer;
        }
        last = newcomer;
        size++;
        return true;
    }

    @Override
    public boolean contains(@Nullable Object other) {
        return other instanceof Line.Member<?> member && isHere(member);
    }

    @SuppressWarnings("ReferenceEquality") // Which line, not who stands in it.
    private boolean isHere(Line.Member<?> member) {
        return member.line == this;
    }

    @Override
    public boolean remove(@Nullable Object other) {
        if (!(other instanceof Line.Member<?> candidate) || !isHere(candidate)) {
            return false;
        }
        @SuppressWarnings("unchecked") // Only an E can be here.
        Line.Member<E> member = (Line.Member<E>) candidate;
        Line.Member<E> before = member.before;
        Line.Member<E> after = member.after;
        if (before == null) {
            first = member.after;
        } else {
            before.after = member.after;
        }
        if (after == null) {
            last = member.before;
        } else {
            after.before = member.before;
        }
        member.line = null;
        member.before = null;
        member.after = null;
        size--;
        return true;
    }

    @Override
    public int size() {
        return size;
    }

    /** In the order of arrival; to be used up before anybody comes or goes. */
    @Override
    public Iterator<E> iterator() {
        return new Iterator<>() {
            private @Nullable E next = first;

            @Override
            public boolean hasNext() {
                return next != null;
            }

            @Override
            public E next() {
                E here = next;
                if (here == null) {
                    throw new NoSuchElementException();
                }
                Line.Member<E> member = here;
                next = member.after;
                return here;
            }
        };
    }
}
