import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JDBC: the application writes its own SQL. */
final class Jdbc implements Client<Map<String, Object>, Connection> {
    private final Connection connection;

    private Jdbc(Connection connection) {
        this.connection = connection;
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = connect()) {
            new Program<>(new Jdbc(connection)).run();
        }
    }

    private static Connection connect() throws SQLException {
        return DriverManager.getConnection(
                "jdbc:postgresql://%s:%s/%s".formatted(System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE")),
                System.getenv("PGUSER"), System.getenv("PGPASSWORD"));
    }

    @Override
    public Map<String, Object> read(long id) throws SQLException {
        try (PreparedStatement read = connection.prepareStatement("SELECT * FROM customers WHERE id = ?")) {
            read.setLong(1, id);
            return customer(read);
        }
    }

    private static Map<String, Object> customer(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return null;
            }
            Map<String, Object> customer = new LinkedHashMap<>();
            for (String name : List.of("id", "status", "phone", "lock_version")) {
                customer.put(name, row.getObject(name));
            }
            customer.put("updated_at", row.getObject("updated_at", OffsetDateTime.class));
            return customer;
        }
    }

    @Override
    public Map<String, Object> values(Map<String, Object> row) {
        return row;
    }

    @Override
    public Map<String, Object> save(Map<String, Object> row, Map<String, String> changes) throws Exception {
        try (PreparedStatement update = connection.prepareStatement("""
                UPDATE customers SET status = ?, phone = ?, lock_version = lock_version + 1
                WHERE id = ? AND lock_version = ? RETURNING *""")) {
            update.setString(1, changes.getOrDefault("status", (String) row.get("status")));
            update.setString(2, changes.getOrDefault("phone", (String) row.get("phone")));
            update.setObject(3, row.get("id"));
            update.setObject(4, row.get("lock_version"));
            Map<String, Object> saved = customer(update);
            if (saved == null) {
                throw new Program.Stale();
            }
            return saved;
        }
    }

    @Override
    public void insertMany(List<Map<String, String>> rows) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO customers (name, status) VALUES (?, ?)")) {
            for (Map<String, String> row : rows) {
                insert.setString(1, row.get("name"));
                insert.setString(2, row.get("status"));
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    @Override
    public void updateMany(List<Long> ids, String status) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE customers SET status = ? WHERE id = ANY (?)")) {
            update.setString(1, status);
            update.setArray(2, connection.createArrayOf("bigint", ids.toArray()));
            update.executeUpdate();
        }
    }

    @Override
    public void upsert(Map<String, String> row) throws SQLException {
        try (PreparedStatement upsert = connection.prepareStatement("""
                INSERT INTO customers (name, status) VALUES (?, ?)
                ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status""")) {
            upsert.setString(1, row.get("name"));
            upsert.setString(2, row.get("status"));
            upsert.executeUpdate();
        }
    }

    @Override
    public Map<String, Object> call(long id, Object version, String status, String comment, String author, Connection transaction)
            throws SQLException {
        OffsetDateTime seen = version instanceof String text ? OffsetDateTime.parse(text) : (OffsetDateTime) version;
        // region save
        try (PreparedStatement save = connection.prepareStatement("SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)")) {
            save.setLong(1, id);
            save.setObject(2, seen); // an OffsetDateTime, as getObject("updated_at", OffsetDateTime.class) gave it
            save.setString(3, status);
            save.setString(4, comment);
            save.setString(5, author);
            try (ResultSet saved = save.executeQuery()) {
                saved.next();
                return answer(saved);
            }
        }
        // endregion
    }

    private static Map<String, Object> answer(ResultSet saved) throws SQLException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("outcome", saved.getString("outcome"));
        answer.put("http_status", saved.getInt("http_status"));
        answer.put("updated_at", saved.getObject("updated_at", OffsetDateTime.class));
        answer.put("comment_id", saved.getObject("comment_id"));
        answer.put("detail", saved.getString("detail"));
        return answer;
    }

    // region transaction
    @Override
    public void transaction(Work<Connection> work) throws Exception {
        connection.setAutoCommit(false);
        try {
            work.in(connection);
            connection.commit(); // whatever the outcome is: it keeps the comment of a refused save
        } catch (Exception e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }
    // endregion

    @Override
    public Map<String, Object> own(String what, Map<String, Object> arguments) throws SQLException {
        long id = ((Number) arguments.get("id")).longValue();
        OffsetDateTime version = (OffsetDateTime) arguments.get("version");
        return switch (what) {
            case "merge" -> merge(id, version, (String) arguments.get("fields"));
            case "merge_without_cast" -> {
                try (PreparedStatement save = connection.prepareStatement(
                        "SELECT * FROM crm_update_customer(?, ?, NULL, NULL, 'ana', merge => true, fields => ?)")) {
                    save.setLong(1, id);
                    save.setObject(2, version);
                    save.setString(3, (String) arguments.get("fields"));
                    save.executeQuery();
                    yield Map.of();
                } catch (SQLException e) {
                    yield Map.of("sqlstate", e.getSQLState());
                }
            }
            case "timestamp" -> {
                try (PreparedStatement save = connection.prepareStatement(
                        "SELECT outcome FROM crm_update_customer(?, ?, 'won', NULL, 'ana')")) {
                    save.setLong(1, id);
                    save.setTimestamp(2, java.sql.Timestamp.from(version.toInstant()));
                    try (ResultSet saved = save.executeQuery()) {
                        saved.next();
                        yield Map.of("outcome", saved.getString("outcome"));
                    }
                }
            }
            default -> throw new UnsupportedOperationException(what);
        };
    }

    private Map<String, Object> merge(long id, OffsetDateTime version, String fields) throws SQLException {
        // region fields
        try (PreparedStatement save = connection.prepareStatement(
                "SELECT * FROM crm_update_customer(?, ?, NULL, NULL, 'ana', merge => true, fields => ?::jsonb)")) {
            save.setLong(1, id);
            save.setObject(2, version);
            save.setString(3, fields); // {"phone": "555 0100"}
            try (ResultSet saved = save.executeQuery()) {
                saved.next();
                return Map.of("outcome", saved.getString("outcome"));
            }
        }
        // endregion
    }
}
