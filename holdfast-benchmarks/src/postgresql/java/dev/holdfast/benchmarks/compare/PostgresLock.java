package dev.holdfast.benchmarks.compare;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Locks of PostgreSQL: advisory locks of a connection, or rows selected for update. A connection for each seat. */
final class PostgresLock implements Contender {

    private static final int ROWS = 2_000;

    /* Serializes the processes that make the table; no lock of a workload has a number below zero. */
    private static final int TABLE = -1;

    private final boolean isAdvisory;
    private final String url;
    private final List<Connection> connections = new ArrayList<>();

    /** @param way {@code advisory} or {@code row} */
    PostgresLock(String way, String endpoints, int ttlSeconds) throws SQLException {
        if (ttlSeconds <= 0 || !(way.equals("advisory") || way.equals("row"))) {
            throw new IllegalArgumentException("no such way: " + way);
        }
        isAdvisory = way.equals("advisory");
        url = "jdbc:postgresql://" + endpoints + "/postgres?user=postgres";
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_advisory_lock(" + TABLE + ")");
            statement.execute("create table if not exists locks (id int primary key)");
            statement.execute("insert into locks select generate_series(0, " + (ROWS - 1) + ") on conflict do nothing");
        }
    }

    @Override
    public Seat seat(List<String> names) throws SQLException {
        if (names.size() > ROWS) {
            throw new IllegalArgumentException("more names than rows: " + names.size());
        }
        Connection connection = DriverManager.getConnection(url);
        connections.add(connection);
        return isAdvisory ? new Advisory(connection) : new Row(connection);
    }

    @Override
    public void close() {
        for (Connection connection : connections) {
            try {
                connection.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static final class Advisory implements Seat {

        private final PreparedStatement lock;
        private final PreparedStatement unlock;

        Advisory(Connection connection) throws SQLException {
            lock = connection.prepareStatement("select pg_advisory_lock(?)");
            unlock = connection.prepareStatement("select pg_advisory_unlock(?)");
        }

        @Override
        public void lock(int name) throws SQLException {
            lock.setLong(1, name);
            lock.execute();
        }

        @Override
        public void unlock(int name) throws SQLException {
            unlock.setLong(1, name);
            unlock.execute();
        }
    }

    private static final class Row implements Seat {

        private final Connection connection;
        private final PreparedStatement lock;

        Row(Connection connection) throws SQLException {
            this.connection = connection;
            connection.setAutoCommit(false);
            lock = connection.prepareStatement("select id from locks where id = ? for update");
        }

        @Override
        public void lock(int name) throws SQLException {
            lock.setInt(1, name);
            lock.execute();
        }

        @Override
        public void unlock(int name) throws SQLException {
            connection.commit();
        }
    }
}
