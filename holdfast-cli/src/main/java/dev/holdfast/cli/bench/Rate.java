package dev.holdfast.cli.bench;

/**
 * How fast it went for a moment.
 *
 * @param atSeconds the end of that moment, from the beginning of the measurement
 * @param perSecond pairs
 */
record Rate(double atSeconds, double perSecond) {}
