import java.sql.Timestamp;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.persistence.Column;
import javax.persistence.Entity;
import javax.persistence.GeneratedValue;
import javax.persistence.GenerationType;
import javax.persistence.Id;
import javax.persistence.Table;
import javax.persistence.Version;
import org.hibernate.Query;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.StaleObjectStateException;
import org.hibernate.Transaction;
import org.hibernate.annotations.Generated;
import org.hibernate.annotations.GenerationTime;
import org.hibernate.cfg.Configuration;
import org.hibernate.tool.hbm2ddl.SchemaExport;
import org.hibernate.tool.hbm2ddl.SchemaUpdate;
import org.hibernate.tool.hbm2ddl.SchemaValidator;
import org.hibernate.type.StandardBasicTypes;

/** Hibernate: its version is updated_at itself, which the database makes. */
final class Hibernate implements Client<Hibernate.Read, Session> {
    // region model
    @Entity
    @Table(name = "customers")
    public static class Customer {
        @Id
        @GeneratedValue(strategy = GenerationType.IDENTITY)
        public Long id;

        @Column(nullable = false, unique = true, columnDefinition = "text")
        public String name;

        @Column(columnDefinition = "text")
        public String status;

        @Column(columnDefinition = "text")
        public String phone;

        // made by the database, read again after each save, and compared as it was read
        @Version
        @Generated(GenerationTime.ALWAYS)
        @Column(name = "updated_at", insertable = false, updatable = false, columnDefinition = "timestamptz not null default now()")
        public Timestamp updatedAt;
    }
    // endregion

    /** A customer, with its session. */
    record Read(Session session, Customer customer) {}

    private final Configuration configuration;
    private final SessionFactory sessions;

    private Hibernate(Configuration configuration) {
        this.configuration = configuration;
        sessions = configuration.buildSessionFactory();
    }

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration()
                .addAnnotatedClass(Customer.class)
                .setProperty("hibernate.dialect", "org.hibernate.dialect.PostgreSQLDialect")
                .setProperty("hibernate.connection.driver_class", "org.postgresql.Driver")
                .setProperty("hibernate.connection.url", "jdbc:postgresql://%s:%s/%s".formatted(
                        System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE")))
                .setProperty("hibernate.connection.username", System.getenv("PGUSER"))
                .setProperty("hibernate.connection.password", System.getenv("PGPASSWORD"));
        Hibernate client = new Hibernate(configuration);
        new Program<>(client).run();
        client.sessions.close();
    }

    @Override
    public Read read(long id) {
        Session session = sessions.openSession();
        return new Read(session, (Customer) session.get(Customer.class, id));
    }

    @Override
    public Map<String, Object> values(Read read) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("id", read.customer.id);
        values.put("status", read.customer.status);
        values.put("phone", read.customer.phone);
        values.put("updated_at", read.customer.updatedAt);
        return values;
    }

    @Override
    public Read save(Read read, Map<String, String> changes) {
        Transaction transaction = read.session.beginTransaction();
        try {
            read.customer.status = changes.getOrDefault("status", read.customer.status);
            read.customer.phone = changes.getOrDefault("phone", read.customer.phone);
            transaction.commit();
            return read;
        } catch (StaleObjectStateException e) {
            transaction.rollback();
            throw e;
        }
    }

    @Override
    public void insertMany(List<Map<String, String>> rows) throws Exception {
        transaction(session -> {
            for (Map<String, String> row : rows) {
                Customer customer = new Customer();
                customer.name = row.get("name");
                customer.status = row.get("status");
                session.save(customer);
            }
        });
    }

    @Override
    public void updateMany(List<Long> ids, String status) throws Exception {
        transaction(session -> session.createQuery("update Hibernate$Customer set status = :status where id in (:ids)")
                .setString("status", status).setParameterList("ids", ids).executeUpdate());
    }

    @Override
    public void upsert(Map<String, String> row) throws Exception {
        transaction(session -> session.createSQLQuery("""
                INSERT INTO customers (name, status) VALUES (:name, :status)
                ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status""").setProperties(row).executeUpdate());
    }

    @Override
    public Map<String, Object> call(long id, Object version, String status, String comment, String author, Session transaction)
            throws Exception {
        if (transaction == null) {
            Map<String, Object> saved = new LinkedHashMap<>();
            transaction(session -> saved.putAll(call(id, version, status, comment, author, session)));
            return saved;
        }
        Timestamp seen = version instanceof String text ? Timestamp.from(OffsetDateTime.parse(text).toInstant()) : (Timestamp) version;
        // region save
        Query save = transaction.createSQLQuery("""
                SELECT outcome, http_status, updated_at, detail
                FROM crm_update_customer(:id, :seen, :status, :comment, :author)""")
                .addScalar("outcome", StandardBasicTypes.STRING)
                .addScalar("http_status", StandardBasicTypes.INTEGER)
                .addScalar("updated_at", StandardBasicTypes.TIMESTAMP)
                .addScalar("detail", StandardBasicTypes.STRING)
                .setLong("id", id)
                .setTimestamp("seen", seen) // customer.updatedAt
                .setString("status", status)
                .setString("comment", comment)
                .setString("author", author);
        Object[] saved = (Object[]) save.uniqueResult();
        // endregion
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("outcome", saved[0]);
        answer.put("http_status", saved[1]);
        answer.put("updated_at", saved[2]);
        answer.put("detail", saved[3]);
        return answer;
    }

    // region transaction
    @Override
    public void transaction(Work<Session> work) throws Exception {
        Session session = sessions.openSession();
        Transaction transaction = session.beginTransaction();
        try {
            work.in(session);
            transaction.commit(); // whatever the outcome is: it keeps the comment of a refused save
        } catch (Exception e) {
            transaction.rollback();
            throw e;
        } finally {
            session.close();
        }
    }
    // endregion

    @Override
    public Map<String, Object> own(String what, Map<String, Object> arguments) throws Exception {
        switch (what) {
            case "merge" -> {
                Map<String, Object> answer = new LinkedHashMap<>();
                transaction(session -> answer.put("outcome", merge(session, ((Number) arguments.get("id")).longValue(),
                        (Timestamp) arguments.get("version"), (String) arguments.get("fields"))));
                return answer;
            }
            case "merge_by_colons" -> transaction(session -> session.createSQLQuery("""
                    SELECT outcome FROM crm_update_customer(:id, :seen, NULL, NULL, 'ana', merge => true, fields => :fields::jsonb)""")
                    .setLong("id", ((Number) arguments.get("id")).longValue())
                    .setTimestamp("seen", (Timestamp) arguments.get("version"))
                    .setString("fields", (String) arguments.get("fields")).uniqueResult());
            case "schema_tool" -> {
                SchemaUpdate update = new SchemaUpdate(configuration);
                update.execute(false, true);
                if (!update.getExceptions().isEmpty()) {
                    throw new IllegalStateException(update.getExceptions().toString());
                }
                new SchemaValidator(configuration).validate();
            }
            case "reset" -> {
                SchemaExport export = new SchemaExport(configuration);
                export.create(false, true);
                if (!export.getExceptions().isEmpty()) {
                    throw new IllegalStateException(export.getExceptions().toString());
                }
            }
            default -> throw new UnsupportedOperationException(what);
        }
        return Map.of();
    }

    private static Object merge(Session session, long id, Timestamp seen, String fields) {
        // region fields
        return session.createSQLQuery("""
                SELECT outcome FROM crm_update_customer(
                    :id, :seen, NULL, NULL, 'ana', merge => true, fields => CAST(:fields AS jsonb))""")
                .setLong("id", id)
                .setTimestamp("seen", seen)
                .setString("fields", fields) // {"phone": "555 0100"}
                .uniqueResult();
        // endregion
    }
}
