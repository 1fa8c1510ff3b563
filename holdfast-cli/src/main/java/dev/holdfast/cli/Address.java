package dev.holdfast.cli;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A host and a TCP port: {@code 127.0.0.1:2379}, {@code localhost:2379}, {@code [::1]:2379}. */
public record Address(String host, int port) {

    private static final Pattern FORM =
            Pattern.compile("(?:http://)?(\\[[0-9a-fA-F:.]+]|[A-Za-z0-9._-]+):(\\d{1,5})/?");

    /**
     * Reads one address; {@code http://} before it is allowed.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Address parse(String text) {
        if (text.startsWith("https://")) {
            throw new IllegalArgumentException("'" + text + "': an address has no scheme but http:// here");
        }
        Matcher form = FORM.matcher(text);
        if (!form.matches() || Integer.parseInt(form.group(2)) > 65_535) {
            throw new IllegalArgumentException("'" + text + "' is no address such as 127.0.0.1:2379");
        }
        return new Address(form.group(1), Integer.parseInt(form.group(2)));
    }

    /**
     * The addresses as endpoints of an etcd.
     *
     * @throws IllegalArgumentException if one has no port
     */
    public static List<String> endpoints(List<Address> addresses) {
        for (Address address : addresses) {
            if (address.port() == 0) {
                throw new IllegalArgumentException("'" + address + "': nothing listens on port 0");
            }
        }
        return addresses.stream().map(Address::toString).toList();
    }

    /**
     * Looks the host up.
     *
     * @throws CommandFailure if there is no such host
     */
    public InetSocketAddress resolve() {
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw CommandFailure.badInput("there is no host named '" + host + "'");
        }
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
