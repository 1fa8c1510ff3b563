/** The ports of the library: what it needs from a network, and from a clock and a thread. */
@NullMarked
package dev.holdfast.spi;

import org.jspecify.annotations.NullMarked;
