/** The command line: {@code holdfast demo}, {@code holdfast serve}. */
@NullMarked
package dev.holdfast.cli;

import org.jspecify.annotations.NullMarked;
