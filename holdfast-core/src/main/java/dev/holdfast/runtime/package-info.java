/** What drives the protocol: the event loop, the callers of this process and their queues, the client as a whole. */
@NullMarked
package dev.holdfast.runtime;

import org.jspecify.annotations.NullMarked;
