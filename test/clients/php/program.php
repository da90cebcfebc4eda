<?php

// What the programs of PHP share: they do what remote.py tells them. A client has the methods that it names, and
// values(model), an array of what the library read.

class Thrown extends Exception
{
}

class Stale extends Exception
{
}

class Program
{
    private array $kept = [];

    public function __construct(private readonly object $client)
    {
        date_default_timezone_set(getenv('TZ'));
        // a warning is an error here
        set_error_handler(fn (int $level, string $message, string $file, int $line) =>
            error_reporting() & $level ? throw new ErrorException($message, 0, $level, $file, $line) : false);
    }

    // Until the end of the input, or of the transaction that it is in.
    public function run(mixed $transaction = null): void
    {
        while (($line = fgets(STDIN)) !== false) {
            $told = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
            if ($told['do'] === 'return') {
                return;
            }
            if ($told['do'] === 'throw') {
                throw new Thrown('told to');
            }
            try {
                $this->answer($this->obey($told, $transaction));
            } catch (Throwable $thrown) {
                $this->answer(['error' => get_class($thrown), 'message' => $thrown->getMessage()]);
            }
        }
    }

    private function obey(array $told, mixed $transaction): array
    {
        switch ($told['do']) {
            case 'read':
                return $this->keep($this->client->read($told['id']));
            case 'save':
                $model = $this->kept[$told['kept']][0];
                return $this->keep($this->client->save($model, $told['changes']) ?? $model);
            case 'call':
                $values = $told['values'];
                if (is_int($values[1])) {
                    $values[1] = $this->kept[$values[1]][1];
                }
                return $this->keep($this->client->call($values, $transaction));
            case 'transaction':
                $this->client->transaction(function (mixed $inside = null): void {
                    $this->answer([]);
                    $this->run($inside);
                });
                return [];
        }
        $what = $told['do'];
        unset($told['do']);
        return $this->client->$what(...array_values($told)) ?? [];
    }

    private function keep(mixed $model): array
    {
        $values = $this->client->values($model);
        $version = $values['updated_at'];
        $this->kept[] = [$model, $version];
        return [
            ...$values,
            'updated_at' => $version instanceof DateTimeInterface ? $version->format('Y-m-d\TH:i:s.uP') : $version,
            'kept' => count($this->kept) - 1,
        ];
    }

    private function answer(array $object): void
    {
        echo json_encode((object) $object, JSON_THROW_ON_ERROR), "\n";
    }
}
