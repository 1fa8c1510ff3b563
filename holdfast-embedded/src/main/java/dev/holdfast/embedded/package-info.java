/**
 * An etcd v3 API in one JVM: the pure {@link dev.holdfast.embedded.Engine}, {@link dev.holdfast.embedded.EmbeddedEtcd}
 * which gives it a thread and a clock, and {@link dev.holdfast.embedded.EngineServer} which gives it a socket. It is not
 * a distributed system.
 */
@NullMarked
package dev.holdfast.embedded;

import org.jspecify.annotations.NullMarked;
