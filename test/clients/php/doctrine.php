<?php

// Doctrine's ORM and DBAL: its version is a counter.
require __DIR__ . '/program.php';
require '/usr/share/php/Doctrine/ORM/autoload.php';

use Doctrine\DBAL\DriverManager;
use Doctrine\DBAL\Connection;
use Doctrine\DBAL\Platforms\AbstractPlatform;
use Doctrine\DBAL\Types\DateTimeTzImmutableType;
use Doctrine\DBAL\Types\Type;
use Doctrine\ORM\Configuration;
use Doctrine\ORM\EntityManager;
use Doctrine\ORM\Mapping as ORM;
use Doctrine\ORM\Mapping\Driver\AttributeDriver;
use Doctrine\ORM\Tools\SchemaTool;

// region type
// datetimetz and datetimetz_immutable have whole seconds: they write no others, and cannot read them
class VersionType extends DateTimeTzImmutableType
{
    public function getSQLDeclaration(array $column, AbstractPlatform $platform): string
    {
        return 'TIMESTAMP WITH TIME ZONE';
    }

    public function convertToPHPValue($value, AbstractPlatform $platform): ?DateTimeImmutable
    {
        return $value === null ? null : new DateTimeImmutable($value);
    }

    public function convertToDatabaseValue($value, AbstractPlatform $platform): ?string
    {
        return $value?->format('Y-m-d H:i:s.uP');
    }

    public function getName(): string
    {
        return 'crm_version';
    }
}

Type::addType('crm_version', VersionType::class);
// endregion

// region model
// attached with also_bump => '{lock_version}'
#[ORM\Entity, ORM\Table('customers')]
#[ORM\UniqueConstraint('customers_name_key', ['name'])]
class Customer
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue('IDENTITY')]
    public $id;

    #[ORM\Column(type: 'text')]
    public string $name;

    #[ORM\Column(type: 'text', nullable: true)]
    public ?string $status;

    #[ORM\Column(type: 'text', nullable: true)]
    public ?string $phone;

    #[ORM\Version, ORM\Column(type: 'integer')]
    public int $lock_version;

    // made by the database, and read again after each flush
    #[ORM\Column(type: 'crm_version', insertable: false, updatable: false, generated: 'ALWAYS',
        options: ['default' => 'CURRENT_TIMESTAMP'])]
    public DateTimeImmutable $updated_at;
}
// endregion

class Client
{
    private Configuration $configuration;
    private Connection $db;

    public function __construct()
    {
        $this->configuration = new Configuration();
        $this->configuration->setMetadataDriverImpl(new AttributeDriver([]));
        $this->configuration->setProxyDir(sys_get_temp_dir());
        $this->configuration->setProxyNamespace('Proxies');
        $this->db = DriverManager::getConnection([
            'driver' => 'pdo_pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'), 'user' => getenv('PGUSER'),
            'password' => getenv('PGPASSWORD'), 'dbname' => getenv('PGDATABASE'),
        ], $this->configuration);
    }

    private function manager(): EntityManager
    {
        return EntityManager::create($this->db, $this->configuration);
    }

    // a manager for each, as each request has one
    public function read(int $id): array
    {
        $manager = $this->manager();
        return [$manager, $manager->find(Customer::class, $id)];
    }

    public function values(array $model): array
    {
        return isset($model['outcome']) ? $model : (array) $model[1];
    }

    public function save(array $model, array $changes): void
    {
        [$manager, $customer] = $model;
        foreach ($changes as $name => $value) {
            $customer->$name = $value;
        }
        $manager->flush();
    }

    public function insert_many(array $rows): void
    {
        $manager = $this->manager();
        foreach ($rows as $row) {
            $customer = new Customer();
            [$customer->name, $customer->status, $customer->phone] = [$row['name'], $row['status'], null];
            $manager->persist($customer);
        }
        $manager->flush();
    }

    public function update_many(array $ids, string $status): void
    {
        $this->manager()->createQuery('UPDATE Customer c SET c.status = :status WHERE c.id IN (:ids)')
            ->execute(['status' => $status, 'ids' => $ids]);
    }

    public function upsert(array $row): void
    {
        $this->db->executeStatement('INSERT INTO customers (name, status) VALUES (:name, :status)
            ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status', $row);
    }

    public function call(array $values): array
    {
        $db = $this->db;
        // region save
        // $values: [id, updated_at as it was read, status, comment, author]
        $types = [1 => $values[1] instanceof DateTimeInterface ? 'crm_version' : 'string'];
        $saved = $db->fetchAssociative('SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', $values, $types);
        $saved['detail'] = json_decode($saved['detail'] ?? 'null', true);
        $saved['updated_at'] = $db->convertToPHPValue($saved['updated_at'], 'crm_version');
        // endregion
        return $saved;
    }

    // region transaction
    // commits when the callback returns, also a refused save; rolls back when it throws
    public function transaction(callable $callback): mixed
    {
        return $this->manager()->wrapInTransaction($callback);
    }
    // endregion

    // A save with the version bound as datetimetz_immutable.
    public function datetimetz(int $id): array
    {
        [, $customer] = $this->read($id);
        return $this->db->fetchAssociative(
            "SELECT outcome FROM crm_update_customer(?, ?, 'won', NULL, 'ana')",
            [$id, $customer->updated_at],
            [1 => 'datetimetz_immutable'],
        );
    }

    public function read_datetimetz(int $id): void
    {
        $version = $this->db->fetchOne('SELECT updated_at FROM customers WHERE id = ?', [$id]);
        $this->db->convertToPHPValue($version, 'datetimetz_immutable');
    }

    // What orm:schema-tool:update --dump-sql prints, and does with --force.
    public function schema_tool(bool $filtered, bool $force): array
    {
        $configuration = $this->configuration;
        $configuration->setSchemaAssetsFilter(fn () => true);
        if ($filtered) {
            // region filter
            $configuration->setSchemaAssetsFilter(fn ($asset) =>
                !str_starts_with(is_string($asset) ? $asset : $asset->getName(), 'crm.'));
            // endregion
        }
        $manager = $this->manager();
        $tool = new SchemaTool($manager);
        $classes = [$manager->getClassMetadata(Customer::class)];
        if ($force) {
            $tool->updateSchema($classes);
        }
        return ['sql' => $tool->getUpdateSchemaSql($classes)];
    }

    // What orm:schema-tool:drop --force and orm:schema-tool:create do.
    public function reset(): void
    {
        $manager = $this->manager();
        $tool = new SchemaTool($manager);
        $classes = [$manager->getClassMetadata(Customer::class)];
        $tool->dropSchema($classes);
        $tool->createSchema($classes);
    }
}

(new Program(new Client()))->run();
