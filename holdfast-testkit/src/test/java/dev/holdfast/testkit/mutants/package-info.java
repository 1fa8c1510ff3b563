/** Bugs of the field, put into our sources one at a time: the simulation must find each. */
@NullMarked
package dev.holdfast.testkit.mutants;

import org.jspecify.annotations.NullMarked;
