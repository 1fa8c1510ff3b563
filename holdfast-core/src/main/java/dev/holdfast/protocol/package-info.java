/**
 * The lock protocol as a value: state machines without a clock, a thread, a random source or a socket. Events go in as
 * method calls that carry the time, commands come out through an {@link dev.holdfast.protocol.Outbox}. Everything here is
 * confined to the event loop, but for {@link dev.holdfast.protocol.Deadline} and
 * {@link dev.holdfast.protocol.Tenure}, which caller threads read.
 *
 * <p>{@code docs/protocol.md} describes the protocol and why it is safe; the classes say which part they carry out.
 */
@NullMarked
package dev.holdfast.protocol;

import org.jspecify.annotations.NullMarked;
