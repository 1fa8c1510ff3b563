/**
 * The demo: several workers contend for one lock, a watch shows what etcd saw, and the checkers judge both.
 *
 * <p>{@link dev.holdfast.cli.demo.Scenario} says what is played, {@link dev.holdfast.cli.demo.Worker} plays one part,
 * a {@link dev.holdfast.cli.demo.Crew} plays all of them in threads or processes,
 * {@link dev.holdfast.cli.demo.EventFeed} watches, and {@link dev.holdfast.cli.demo.Chronicle} gathers what happens for
 * the {@link dev.holdfast.cli.demo.Display} and the verdict.
 */
@NullMarked
package dev.holdfast.cli.demo;

import org.jspecify.annotations.NullMarked;
