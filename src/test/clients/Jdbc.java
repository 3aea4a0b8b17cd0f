// Jdbc.java - PostgreSQL's JDBC driver, and a data source of its own, run by src/test/t/022_clients.pl.
//
// From the fifth execution on (prepareThreshold) a statement is prepared on the server, and kept with the connection; integers
// travel in binary then, in both directions.
//
// It connects by TCP, which is all that Java has for it.

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import javax.sql.DataSource;
import org.postgresql.ds.PGPoolingDataSource;

public class Jdbc {
    // OPERATIONS.md

    static String orders(Connection connection) throws SQLException {
        StringBuilder ids = new StringBuilder();
        try (PreparedStatement statement = connection.prepareStatement("SELECT id FROM orders WHERE id > ? ORDER BY id")) {
            statement.setInt(1, 0);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    ids.append(ids.length() == 0 ? "" : ",").append(rows.getInt(1));
                }
            }
        }
        return ids.toString();
    }

    static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() && rows.getMetaData().getColumnCount() > 0 ? rows.getString(1) : "";
        }
    }

    public static void main(String[] arguments) throws SQLException {
        String ann = System.getenv("ANN");
        String ben = System.getenv("BEN");
        Map<String, Set<String>> seen = new HashMap<>(Map.of(ann, new LinkedHashSet<>(), ben, new LinkedHashSet<>()));
        Set<String> backends = new LinkedHashSet<>();

        PGPoolingDataSource pool = new PGPoolingDataSource();
        pool.setDataSourceName("orders");
        pool.setUrl("jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/postgres?prepareThreshold=5&binaryTransfer=true");
        pool.setUser(System.getenv("PGUSER"));
        pool.setPassword(System.getenv("PGPASSWORD"));
        pool.setMaxConnections(1);

        for (int i = 0; i < 30; i++) {
            seen.get(ann).add(asUser(pool, ann, Jdbc::orders));
        }
        System.out.println("ann " + String.join(" ", seen.get(ann)));

        try {
            asUser(pool, ann, connection -> {
                value(connection, "SELECT FROM spsa_activate_own('all_orders')");
                System.out.println("ann, activated " + orders(connection));
                backends.add(value(connection, "SELECT pg_backend_pid()"));
                throw new IllegalStateException();
            });
        } catch (IllegalStateException expected) {
        }
        System.out.println("ann, rolled back " + asUser(pool, ann, Jdbc::orders));

        for (int i = 0; i < 30; i++) {
            for (String token : new String[] {ben, ann}) {
                seen.get(token).add(asUser(pool, token, Jdbc::orders));
                backends.add(asUser(pool, token, connection -> value(connection, "SELECT pg_backend_pid()")));
            }
        }
        System.out.println("ben " + String.join(" ", seen.get(ben)));
        System.out.println("ann " + String.join(" ", seen.get(ann)));
        asUser(pool, ann, connection -> {
            String generic = value(connection, "SELECT bool_or(generic_plans > 0) FROM pg_prepared_statements WHERE statement LIKE '%FROM orders%'");
            System.out.println("generic plans " + ("t".equals(generic) ? "True" : "False"));
            return null;
        });

        try {
            asUser(pool, ann, connection -> value(connection, "INSERT INTO once VALUES (1) RETURNING id"));
        } catch (SQLException error) {
            System.out.println("commit " + error.getSQLState());
        }
        try (Connection connection = pool.getConnection()) {
            System.out.println("nobody " + orders(connection));
        } catch (SQLException error) {
            System.out.println("nobody " + error.getSQLState());
        }

        asUser(pool, ann, connection -> value(connection, "SELECT FROM spsa_activate_own('all_orders')"));
        asUser(pool, ann, connection -> {
            System.out.println("ann, active " + orders(connection));
            return value(connection, "SELECT spsa_deactivate_own('all_orders')");
        });
        asUser(pool, ben, connection -> {
            System.out.println("ben " + orders(connection));
            return null;
        });
        System.out.println("connections " + backends.size());
        pool.close();
    }
}
