/** What lock entries say about who wrote them. */
@NullMarked
package dev.holdfast.inspect;

import org.jspecify.annotations.NullMarked;
