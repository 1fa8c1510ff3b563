/** The etcd client: calls, one multiplexed watch stream, keep-alives, fail-over and the error table, over a transport. */
@NullMarked
package dev.holdfast.etcd;

import org.jspecify.annotations.NullMarked;
