/** Distributed locks on etcd: the public API. Start at {@link dev.holdfast.Holdfast}. */
@NullMarked
package dev.holdfast;

import org.jspecify.annotations.NullMarked;
