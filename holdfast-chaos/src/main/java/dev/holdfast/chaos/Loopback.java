package dev.holdfast.chaos;

import dev.holdfast.testkit.TcpProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;

/**
 * Ports of 127.0.0.1, for machines without namespaces, with a proxy before each member's port for members: what it holds
 * back is what other members send to this one on connections of their own.
 */
final class Loopback implements Net {

    private final List<Integer> clientPorts = new ArrayList<>();
    private final List<Integer> peerPorts = new ArrayList<>();
    private final List<TcpProxy> peerProxies = new ArrayList<>();

    private Loopback() {}

    static Loopback make(int members) {
        Loopback net = new Loopback();
        for (int i = 0; i < members; i++) {
            net.clientPorts.add(freePort());
            int peer = freePort();
            net.peerPorts.add(peer);
            net.peerProxies.add(TcpProxy.start(List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), peer))));
        }
        return net;
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    TcpProxy peerProxy(int member) {
        return peerProxies.get(member);
    }

    @Override
    public String describe() {
        return "loopback ports";
    }

    @Override
    public List<String> memberPrefix(int member) {
        return List.of();
    }

    @Override
    public String clientAddress(int member) {
        return "127.0.0.1:" + clientPorts.get(member);
    }

    @Override
    public String peerAddress(int member) {
        return "127.0.0.1:" + peerPorts.get(member);
    }

    @Override
    public String advertisedPeerAddress(int member) {
        return peerProxies.get(member).address();
    }

    @Override
    public void close() {
        peerProxies.forEach(TcpProxy::close);
    }
}
