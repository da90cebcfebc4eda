<?php

// Eloquent, of Laravel: it has no optimistic lock of its own, and does not read what triggers make.
require __DIR__ . '/program.php';
require '/usr/share/php/Illuminate/Database/autoload.php';

use Illuminate\Database\Capsule\Manager;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Facade;

$config = [
    'driver' => 'pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'), 'database' => getenv('PGDATABASE'),
    'username' => getenv('PGUSER'), 'password' => getenv('PGPASSWORD'),
    // region config
    'schema' => ['public', 'crm'],
    // from Laravel 9 on: 'search_path' => 'public, crm',
    'dont_drop' => ['crm_attached_tables'],
    // endregion
];
$manager = new Manager();
$manager->addConnection($config);
$manager->addConnection(['dont_drop' => []] + $config, 'drops everything');
$manager->bootEloquent();
$manager->getContainer()->instance('db', $manager->getDatabaseManager());
Facade::setFacadeApplication($manager->getContainer());

// region model
class Customer extends Model
{
    public const CREATED_AT = null;
    protected $guarded = [];
    // the default has neither fractions of seconds nor a zone
    protected $dateFormat = 'Y-m-d H:i:s.uP';
}
// endregion

class Client
{
    public function read(int $id): Customer
    {
        return Customer::find($id);
    }

    public function values(Customer|array $model): array
    {
        return is_array($model) ? $model : ['updated_at' => $model->updated_at] + $model->getAttributes();
    }

    public function save(Customer $customer, array $changes): void
    {
        // region reload
        $customer->update($changes);
        $customer->refresh(); // the version that was stored, which may be another than Eloquent made
        // endregion
    }

    public function insert_many(array $rows): void
    {
        Customer::insert($rows);
    }

    public function update_many(array $ids, string $status): void
    {
        Customer::whereIn('id', $ids)->update(['status' => $status]);
    }

    public function upsert(array $row): void
    {
        Customer::upsert([$row], ['name'], ['status']);
    }

    // region save
    // $values: [id, updated_at as it was read, status, comment, author]
    public function call(array $values): array
    {
        if ($values[1] instanceof DateTimeInterface) {
            $values[1] = $values[1]->format('Y-m-d H:i:s.uP'); // Laravel itself binds whole seconds without a zone
        }
        $saved = (array) DB::selectOne('SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', $values);
        $saved['detail'] = json_decode($saved['detail'] ?? 'null', true);
        return $saved;
    }
    // endregion

    // region transaction
    // commits when the callback returns, also a refused save; rolls back when it throws
    public function transaction(callable $callback): mixed
    {
        return DB::transaction($callback);
    }
    // endregion

    // A save with the Carbon as it is.
    public function carbon(int $id): array
    {
        $customer = Customer::find($id);
        return (array) DB::selectOne(
            "SELECT outcome FROM crm_update_customer(?, ?, 'won', NULL, 'ana')", [$id, $customer->updated_at]);
    }

    // What migrate:fresh does, and then the migrations.
    public function reset(?string $connection = null): void
    {
        $schema = DB::connection($connection)->getSchemaBuilder();
        $schema->dropAllTables();
        $schema->create('customers', function (Blueprint $table): void {
            $table->id();
            $table->text('name')->unique();
            $table->text('status')->nullable();
            $table->text('phone')->nullable();
            $table->timestampTz('updated_at', 6)->useCurrent();
        });
        // region attach
        // of the migration that creates the table
        DB::statement("SELECT crm_attach('customers', companions_schema => 'crm')");
        // endregion
    }
}

(new Program(new Client()))->run();
