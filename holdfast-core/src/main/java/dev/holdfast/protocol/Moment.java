package dev.holdfast.protocol;

/**
 * What both clocks showed when an event was handled.
 *
 * @param nanos the monotonic clock; only differences mean anything
 * @param wallMillis milliseconds since 1970; may step, but goes on while the host is suspended
 */
public record Moment(long nanos, long wallMillis) {}
