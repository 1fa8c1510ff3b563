/**
 * What every store must do under the lock API, as JUnit test classes to extend: {@link
 * dev.holdfast.testkit.contract.LockContract} and {@link dev.holdfast.testkit.contract.LossContract}.
 */
@NullMarked
package dev.holdfast.testkit.contract;

import org.jspecify.annotations.NullMarked;
