package dev.holdfast;

/** How lock names become etcd keys. */
public enum NameMode {
    /**
     * The name is the key prefix as it stands, as in Go's {@code concurrency.Mutex} and {@code etcdctl lock}: the same
     * name is the same lock in every language. {@code orders} and {@code orders/42} are different locks here, but a Go
     * client on {@code orders} also waits for holders of {@code orders/42}.
     */
    RAW,
    /** Every {@code /} of the name is percent-encoded, so that no name is a prefix of another. Not shared with Go. */
    STRICT
}
