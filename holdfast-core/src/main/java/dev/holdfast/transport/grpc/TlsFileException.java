package dev.holdfast.transport.grpc;

/** A file of the TLS settings is missing or is not what it should be; the message names it and never quotes it. */
final class TlsFileException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    TlsFileException(String message) {
        super(message);
    }
}
