/** The transport that speaks gRPC over sockets. */
@NullMarked
package dev.holdfast.transport.grpc;

import org.jspecify.annotations.NullMarked;
