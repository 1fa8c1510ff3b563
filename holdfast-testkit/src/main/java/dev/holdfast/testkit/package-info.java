/** What tests of locks need: real etcd servers as processes of this machine. */
@NullMarked
package dev.holdfast.testkit;

import org.jspecify.annotations.NullMarked;
