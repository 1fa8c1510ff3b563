package dev.holdfast.runtime;

/**
 * What the user of a client must be allowed to do in an etcd with authentication. Immutable.
 *
 * @param namespace what every key of the client starts with; may be empty
 * @param root the reserved root, with the namespace before it
 */
record Grant(String namespace, String root) {

    /** What a person should do when permission was denied. */
    String advice() {
        if (namespace.isEmpty()) {
            return "the user needs to read and write the keys below \"" + root + "/\" and below each lock's name and a"
                    + " slash: run 'etcdctl role grant-permission ROLE readwrite --prefix=true " + root
                    + "/' and the same for the names, or give the client a namespace and grant that";
        }
        return "the user needs to read and write every key that begins with \"" + namespace
                + "\": run 'etcdctl role grant-permission ROLE readwrite --prefix=true " + namespace + "'";
    }
}
