<?php

// PDO: the application writes its own SQL.
require __DIR__ . '/program.php';

$db = new PDO('pgsql:', getenv('PGUSER'), getenv('PGPASSWORD'), [
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
]);

$client = new class ($db) {
    public function __construct(private PDO $db)
    {
    }

    public function read(int $id): array
    {
        return $this->run('SELECT * FROM customers WHERE id = ?', [$id])->fetch();
    }

    public function values(array $row): array
    {
        return $row;
    }

    public function save(array $row, array $changes): array
    {
        $row = [...$row, ...$changes];
        return $this->run(
            'UPDATE customers SET status = ?, phone = ?, lock_version = lock_version + 1
             WHERE id = ? AND lock_version = ? RETURNING *',
            [$row['status'], $row['phone'], $row['id'], $row['lock_version']],
        )->fetch() ?: throw new Stale();
    }

    public function insert_many(array $rows): void
    {
        $insert = $this->db->prepare('INSERT INTO customers (name, status) VALUES (:name, :status)');
        foreach ($rows as $row) {
            $insert->execute($row);
        }
    }

    public function update_many(array $ids, string $status): void
    {
        $places = implode(', ', array_fill(0, count($ids), '?'));
        $this->run("UPDATE customers SET status = ? WHERE id IN ($places)", [$status, ...$ids]);
    }

    public function upsert(array $row): void
    {
        $this->run('INSERT INTO customers (name, status) VALUES (:name, :status)
                    ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status', $row);
    }

    // region save
    // $values: [id, updated_at as it was read, status, comment, author]
    public function call(array $values): array
    {
        $save = $this->db->prepare('SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)');
        $save->execute($values); // with a version made of a DateTime: $version->format('Y-m-d H:i:s.uP')
        $saved = $save->fetch(PDO::FETCH_ASSOC);
        $saved['detail'] = json_decode($saved['detail'] ?? 'null', true);
        return $saved;
    }
    // endregion

    // region transaction
    public function transaction(callable $callback): mixed
    {
        $this->db->beginTransaction();
        try {
            $result = $callback();
            $this->db->commit(); // whatever the outcome is: it keeps the comment of a refused save
            return $result;
        } catch (Throwable $error) {
            $this->db->rollBack();
            throw $error;
        }
    }
    // endregion

    private function run(string $sql, array $values): PDOStatement
    {
        $statement = $this->db->prepare($sql);
        $statement->execute($values);
        return $statement;
    }

    // What a version of a DateTime must be bound as, and what is cut to seconds.
    public function formats(string $version): array
    {
        $time = new DateTimeImmutable($version);
        return ['whole' => $time->format('Y-m-d H:i:s.uP'), 'atom' => $time->format(DATE_ATOM)];
    }
};

(new Program($client))->run();
