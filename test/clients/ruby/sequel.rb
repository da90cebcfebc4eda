# Sequel: its optimistic_locking plugin compares a counter.
require 'sequel'
require_relative 'program'

# region zone
# Sequel 5.63 binds a time at -03:30 as one at -0430
Sequel.default_timezone = :utc
# endregion
DB = Sequel.connect(adapter: 'postgres', host: ENV['PGHOST'], port: ENV['PGPORT'], user: ENV['PGUSER'],
                    password: ENV['PGPASSWORD'], database: ENV['PGDATABASE'])

# region model
# attached with also_bump => '{lock_version}'
class Customer < Sequel::Model(:customers)
  plugin :optimistic_locking
end
# endregion

class Client
  def read(id) = Customer[id]

  def values(model) = model.to_hash

  # region reload
  def save(customer, changes)
    customer.update(changes)
    customer.refresh # the version that was made
  end
  # endregion

  def insert_many(rows) = Customer.multi_insert(rows)

  def update_many(ids, status) = Customer.where(id: ids).update(status: status)

  def upsert(row) = Customer.dataset.insert_conflict(target: :name, update: { status: row[:status] }).insert(row)

  # region save
  # values: [id, updated_at as it was read, status, comment, author]
  def call(values, _transaction)
    DB['SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', *values].first # detail is text
  end
  # endregion

  # region transaction
  # commits at the end of the block, also a refused save; rolls back when it raises
  def transaction
    DB.transaction { yield DB }
  end
  # endregion
end

Program.new(Client.new).run
