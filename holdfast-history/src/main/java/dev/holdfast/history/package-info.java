/**
 * What happened to locks, as their clients noted it and as etcd recorded it, and the checkers over both: was there ever
 * more than one holder, did the tokens grow, is there an order of the operations that a lock could have carried out one
 * by one, was the queue served in order, did anybody believe in a hold beyond its deadline, did everybody get his turn, is
 * anything left behind.
 *
 * <p>A {@link dev.holdfast.history.History} is a list of {@link dev.holdfast.history.Operation}s. Processes write their
 * part with {@link dev.holdfast.history.HistoryCodec}; whoever gathers the parts puts them together and asks each
 * {@link dev.holdfast.history.Checker} for its {@link dev.holdfast.history.Verdict}.
 */
@NullMarked
package dev.holdfast.history;

import org.jspecify.annotations.NullMarked;
