/** What every transport shares. */
@NullMarked
package dev.holdfast.transport;

import org.jspecify.annotations.NullMarked;
