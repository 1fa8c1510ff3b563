package dev.holdfast.transport;

/**
 * Where an etcd server listens. Immutable.
 *
 * @param host a name or an address; an IPv6 address without brackets
 * @param port 1 to 65535
 */
public record Endpoint(String host, int port) {

    public Endpoint {
        if (host.isEmpty()) {
            throw new IllegalArgumentException("an endpoint needs a host");
        }
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port " + port + " of an endpoint is not between 1 and 65535");
        }
    }

    /**
     * Reads {@code http://host:port} or {@code host:port}; an IPv6 address stands in brackets.
     *
     * @throws IllegalArgumentException if the text is anything else; the message quotes it and says what to write
     */
    public static Endpoint parse(String text) {
        String rest = text.strip();
        int scheme = rest.indexOf("://");
        if (scheme >= 0) {
            String name = rest.substring(0, scheme);
            if (name.equalsIgnoreCase("https")) {
                throw wrong(text, "TLS is not supported yet", "use http://");
            }
            if (!name.equalsIgnoreCase("http")) {
                throw wrong(text, "the scheme \"" + name + "\" is unknown", "use http://host:port");
            }
            rest = rest.substring(scheme + 3);
        }
        if (rest.endsWith("/")) {
            rest = rest.substring(0, rest.length() - 1);
        }
        if (rest.isEmpty()) {
            throw wrong(text, "it is empty", "write host:port, such as 127.0.0.1:2379");
        }
        if (rest.indexOf(',') >= 0) {
            throw wrong(text, "it names more than one server", "give each endpoint as a text of its own");
        }
        if (rest.indexOf('/') >= 0 || rest.indexOf('?') >= 0 || rest.indexOf('#') >= 0) {
            throw wrong(text, "it has a path", "write host:port only");
        }
        if (rest.indexOf('@') >= 0) {
            throw wrong(text, "it has a user name", "write host:port only, and give credentials separately");
        }
        if (rest.chars().anyMatch(c -> Character.isWhitespace(c) || Character.isISOControl(c))) {
            throw wrong(text, "it contains a space or control character", "write host:port");
        }
        int colon = rest.lastIndexOf(':');
        if (rest.startsWith("[")) {
            int bracket = rest.indexOf(']');
            if (bracket < 0) {
                throw wrong(text, "the bracket is not closed", "write [::1]:2379");
            }
            if (bracket + 1 >= rest.length() || rest.charAt(bracket + 1) != ':') {
                throw wrong(text, "the port is missing", "write [::1]:2379");
            }
            String address = rest.substring(1, bracket);
            if (address.indexOf(':') < 0) {
                throw wrong(text, "only an IPv6 address stands in brackets", "write " + address + ":2379");
            }
            return new Endpoint(address, port(text, rest.substring(bracket + 2)));
        }
        if (colon < 0) {
            throw wrong(text, "the port is missing", "write " + rest + ":2379");
        }
        if (rest.indexOf(':') != colon) {
            throw wrong(text, "it has more than one colon", "put an IPv6 address in brackets, such as [::1]:2379");
        }
        if (colon == 0) {
            throw wrong(text, "the host is missing", "write 127.0.0.1" + rest);
        }
        return new Endpoint(rest.substring(0, colon), port(text, rest.substring(colon + 1)));
    }

    /** As it is written without a scheme: {@code host:port} or {@code [address]:port}. */
    @Override
    public String toString() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }

    private static int port(String text, String digits) {
        if (digits.isEmpty() || digits.length() > 5 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw wrong(text, "the port \"" + digits + "\" is not a number", "write a port such as 2379");
        }
        int port = Integer.parseInt(digits);
        if (port < 1 || port > 65535) {
            throw wrong(text, "the port " + port + " is not between 1 and 65535", "write a port such as 2379");
        }
        return port;
    }

    private static IllegalArgumentException wrong(String text, String what, String remedy) {
        String shown = text.replaceFirst("^(\\s*\\w+://)?.*@", "$1***@"); // a password does not belong in a log
        return new IllegalArgumentException("endpoint \"" + shown + "\": " + what + "; " + remedy);
    }
}
