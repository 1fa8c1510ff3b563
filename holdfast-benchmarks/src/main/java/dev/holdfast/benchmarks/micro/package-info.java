/**
 * What a lock costs inside its process: benchmarks of JMH, against the etcd that runs in this JVM, so that no network and no
 * disk counts.
 */
@NullMarked
package dev.holdfast.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
