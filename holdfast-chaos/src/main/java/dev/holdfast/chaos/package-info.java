/** Real etcd clusters under real faults: clients in several languages share locks, and checkers judge what they noted. */
@NullMarked
package dev.holdfast.chaos;

import org.jspecify.annotations.NullMarked;
